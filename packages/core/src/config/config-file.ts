import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { parse as parseYaml } from 'yaml';
import { hint } from './nearest.ts';
import type { ConfigKeys } from './schema.ts';
import type { Setting, Settings } from './setting.ts';

export interface ConfigFile {
  readonly settings: Settings;
  readonly problems: readonly string[];
}

const PARSERS: Readonly<Record<string, (text: string) => unknown>> = {
  '.toml': parseToml,
  '.yaml': (text) => parseYaml(text),
  '.yml': (text) => parseYaml(text),
};

/** Reads a TOML or YAML file whose members are the keys as the code spells them. */
export function readConfigFile(file: string, keys: ConfigKeys): ConfigFile {
  const parse = PARSERS[path.extname(file)];
  if (parse === undefined) return broken(file, 'must end in .toml, .yaml or .yml');
  try {
    return membersOf(file, parse(readFileSync(file, 'utf8')) ?? {}, keys);
  } catch (error) {
    return broken(file, error instanceof Error ? error.message : String(error));
  }
}

function membersOf(file: string, content: unknown, keys: ConfigKeys): ConfigFile {
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    return broken(file, 'must hold keys and values');
  const entries = Object.entries(content);
  const unknown = entries.filter(([name]) => !Object.hasOwn(keys, name));
  return {
    settings: new Map(entries.map(([name, value]) => [name, settingOf(file, name, value)])),
    problems: unknown.map(([name]) => `${name} in ${file}: unknown key${hint(name, Object.keys(keys))}`),
  };
}

/** A table, as `labels` may be written, is the list of its pairs. */
function settingOf(file: string, name: string, value: unknown): Setting {
  const isTable = typeof value === 'object' && value !== null && Object.getPrototypeOf(value) !== Array.prototype;
  const pairs =
    isTable && !(value instanceof Date) ? Object.entries(value).map(([key, entry]) => `${key}=${entry}`) : value;
  return { value: pairs, origin: { from: 'file', place: `${name} in ${file}` } };
}

function broken(file: string, problem: string): ConfigFile {
  return { settings: new Map(), problems: [`${file}: ${problem}`] };
}
