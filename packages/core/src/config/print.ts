import type { LoadedConfig } from './load.ts';
import { type ConfigKeys, Derived, envOf, flagOf, type Key } from './schema.ts';

const HIDDEN = '********';

export interface ShownKey {
  readonly key: string;
  /** As text; secrets are masked, and what is not set is empty. */
  readonly value: string;
  /** The flag, variable or file that set it, or `default`. */
  readonly origin: string;
}

/** Every key with its value and where that came from, fit for showing to anyone. */
export function describeConfig(loaded: LoadedConfig): readonly ShownKey[] {
  return Object.entries(loaded.keys).map(([name, key]) => ({
    key: name,
    value: shown(key, loaded.values[name]),
    origin: loaded.origins[name]?.place ?? 'default',
  }));
}

/** The same as aligned lines, for `config print`. */
export function renderConfig(loaded: LoadedConfig): string {
  const rows = describeConfig(loaded);
  const width = (column: 'key' | 'value') => Math.max(...rows.map((row) => row[column].length));
  const [keyWidth, valueWidth] = [width('key'), Math.min(width('value'), 60)];
  return rows
    .map(({ key, value, origin }) => `${key.padEnd(keyWidth)}  ${value.padEnd(valueWidth)}  ${origin}\n`)
    .join('');
}

export interface KeyHelp {
  readonly key: string;
  readonly flag: string;
  readonly env: string;
  readonly default: string;
  readonly doc: string;
}

/** What can be configured, for `--help` and the documentation. */
export function describeKeys(keys: ConfigKeys): readonly KeyHelp[] {
  return Object.entries(keys).map(([name, key]) => ({
    key: name,
    flag: flagOf(name),
    env: envOf(name, key),
    default: key.default instanceof Derived ? key.default.shown : shown(key, key.default),
    doc: key.doc,
  }));
}

function shown(key: Key, value: unknown): string {
  if (value === undefined) return '';
  if (key.secret === 'all') return HIDDEN;
  const plain = Array.isArray(value) ? value.join(',') : String(value);
  return key.secret === 'password' ? withoutPassword(plain) : plain;
}

function withoutPassword(url: string): string {
  return (
    url
      // greedy up to the last "@": an "@" in a password must not show what follows it
      .replace(/^([^/]*\/\/[^:/]*:).*@/, `$1${HIDDEN}@`)
      // URLs of PostgreSQL may have it among the parameters
      .replace(/([?&]password=)[^&]*/g, `$1${HIDDEN}`)
  );
}
