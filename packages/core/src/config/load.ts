import convict from 'convict';
import { ConfigError } from './config-error.ts';
import { readConfigFile } from './config-file.ts';
import { readEnvironment } from './environment.ts';
import { readFlags } from './flags.ts';
import { type ConfigKeys, type ConfigOf, Derived, demand, type Key } from './schema.ts';
import type { Environment, Origin, Setting, Settings } from './setting.ts';

/** Where configuration comes from. */
export interface ConfigInputs {
  /** Arguments after the command. */
  readonly argv: readonly string[];
  readonly env: Environment;
  /** The configuration file where neither `--config` nor GUESTKIT_CONFIG names one. */
  readonly file?: string;
  /** The command line holds the flags of the other app too. */
  readonly sharedFlags?: boolean;
}

export interface LoadedConfig<Keys extends ConfigKeys = ConfigKeys> {
  readonly keys: Keys;
  readonly values: ConfigOf<Keys>;
  readonly origins: Readonly<Record<string, Origin>>;
}

interface ConfigRequest<Keys extends ConfigKeys> extends ConfigInputs {
  readonly keys: Keys;
  /** Keys of the other app, which may stand in the same file. */
  readonly neighbours?: ConfigKeys;
  /** Looks at the values together; returns the problem. */
  readonly check?: (values: ConfigOf<Keys>) => string | undefined;
}

/**
 * Puts a configuration together: flags over environment over file over defaults. The result is frozen.
 * @throws ConfigError
 */
export function loadConfig<Keys extends ConfigKeys>(request: ConfigRequest<Keys>): LoadedConfig<Keys> {
  const { keys, env } = request;
  const known = { ...request.neighbours, ...keys };
  const flags = readFlags(request.argv, request.sharedFlags ? known : keys);
  const path = flags.file ?? (env.GUESTKIT_CONFIG || request.file);
  const file = path ? readConfigFile(path, known) : { settings: new Map(), problems: [] };
  const found: Settings = new Map([...file.settings, ...readEnvironment(env, keys), ...flags.settings]);
  const settings = settle(keys, found);

  const config = convict(schemaOf(keys)).load(valuesOf(settings));
  const problems = [...flags.problems, ...file.problems, ...problemsOf(config, settings)];
  if (problems.length > 0) throw new ConfigError(problems);
  const values = freeze(config.getProperties()) as ConfigOf<Keys>;
  const together = request.check?.(values);
  if (together !== undefined) throw new ConfigError([together]);
  return { keys, values, origins: originsOf(settings) };
}

/** A value or default for every key, read as its kind where it was written as text. */
function settle(keys: ConfigKeys, found: Settings): Settings {
  const settled = new Map<string, Setting>();
  for (const [name, key] of Object.entries(keys)) {
    const setting = found.get(name);
    settled.set(name, setting ? { ...setting, value: readAs(key.kind, setting.value) } : defaultOf(key, settled));
  }
  return settled;
}

function defaultOf(key: Key, before: Settings): Setting {
  const value = key.default instanceof Derived ? key.default.compute(valuesOf(before)) : key.default;
  return { value, origin: { from: 'default', place: 'default' } };
}

const READERS: Readonly<Record<Key['kind'], (written: string) => unknown>> = {
  text: (written) => written,
  integer: (written) => (/^-?\d+$/.test(written) ? Number(written) : written),
  boolean: (written) => ({ true: true, yes: true, 1: true, false: false, no: false, 0: false })[written] ?? written,
  list: (written) =>
    written
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
};

/** What cannot be read stays as it is, for the schema to refuse. */
function readAs(kind: Key['kind'], value: unknown): unknown {
  return typeof value === 'string' ? READERS[kind](value) : value;
}

/** Defaults and coercions stay out of the schema: convict's own would read "80x" as 80. */
function schemaOf(keys: ConfigKeys): convict.Schema<Record<string, unknown>> {
  const entries = Object.entries(keys).map(([name, key]) => {
    const format = (value: unknown) => checkValue(key, value);
    return [name, { doc: key.doc, default: undefined, format, sensitive: key.secret !== undefined }];
  });
  return Object.fromEntries(entries);
}

const KINDS: Readonly<Record<Key['kind'], readonly [string, (value: unknown) => boolean]>> = {
  text: ['text that is not empty', (value) => typeof value === 'string' && value !== ''],
  integer: ['a whole number', (value) => Number.isSafeInteger(value)],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  list: ['a list of texts', (value) => Array.isArray(value) && value.every((entry) => typeof entry === 'string')],
};

function checkValue(key: Key, value: unknown): void {
  const [expected, isKind] = KINDS[key.kind];
  demand(isKind(value), `must be ${expected}`);
  key.check?.(value as NonNullable<unknown>);
}

/** Convict's report has one line for each bad key, starting with its name; it leaves out the values of secrets. */
function problemsOf(config: convict.Config<Record<string, unknown>>, settings: Settings): readonly string[] {
  try {
    config.validate({ allowed: 'strict' });
    return [];
  } catch (error) {
    const lines = error instanceof Error ? error.message.split('\n') : [];
    return lines.map((line) => {
      const [name = '', ...rest] = line.split(': ');
      return `${settings.get(name)?.origin.place ?? name}: ${rest.join(': ').replace(/: value was (.*)$/s, ', got $1')}`;
    });
  }
}

function valuesOf(settings: Settings): Readonly<Record<string, unknown>> {
  return Object.fromEntries([...settings].map(([name, { value }]) => [name, value]));
}

function originsOf(settings: Settings): Readonly<Record<string, Origin>> {
  return Object.freeze(Object.fromEntries([...settings].map(([name, { origin }]) => [name, origin])));
}

function freeze(values: Record<string, unknown>): Readonly<Record<string, unknown>> {
  for (const value of Object.values(values)) Object.freeze(value);
  return Object.freeze(values);
}
