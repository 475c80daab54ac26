import { parseArgs } from 'node:util';
import { hint } from './nearest.ts';
import { type ConfigKeys, flagOf, type Key } from './schema.ts';
import type { Setting, Settings } from './setting.ts';

export interface Flags {
  readonly settings: Settings;
  /** What `--config` names. */
  readonly file: string | undefined;
  readonly problems: readonly string[];
}

/** Reads `--flag value`, `--flag=value`, `--switch` and `--no-switch`. Flags of lists may be repeated. */
export function readFlags(argv: readonly string[], keys: ConfigKeys): Flags {
  const settings = new Map<string, Setting>();
  const problems: string[] = [];
  let file: string | undefined;
  for (const token of tokensOf(argv, keys)) {
    const reading = read(token, keys);
    if ('problem' in reading) problems.push(reading.problem);
    else if ('file' in reading) file = reading.file;
    else settings.set(reading.name, settingOf(reading, settings.get(reading.name)));
  }
  return { settings, file, problems };
}

interface Given {
  readonly name: string;
  readonly key: Key;
  readonly flag: string;
  readonly written: string;
}

type Reading = Given | { readonly file: string } | { readonly problem: string };

function read({ flag, value }: Token, keys: ConfigKeys): Reading {
  if (flag === '--config') return value ? { file: value } : { problem: '--config: needs the name of a file' };
  const name = Object.keys(keys).find(
    (candidate) => flag === flagOf(candidate) || flag === negativeOf(candidate, keys),
  );
  const key = name === undefined ? undefined : keys[name];
  if (name === undefined || key === undefined) return { problem: refusal(flag, keys) };
  const negated = flag !== flagOf(name);
  if (negated && value !== undefined) return { problem: `${flag}: takes no value` };
  if (value === undefined && key.kind !== 'boolean') return { problem: `${flag}: needs a value` };
  return { name, key, flag, written: value ?? String(!negated) };
}

function settingOf({ key, flag, written }: Given, before: Setting | undefined): Setting {
  const value = key.kind === 'list' && before ? `${before.value},${written}` : written;
  return { value, origin: { from: 'flag', place: flag } };
}

/** `--no-insecure` for a switch. */
function negativeOf(name: string, keys: ConfigKeys): string | undefined {
  return keys[name]?.kind === 'boolean' ? flagOf(name).replace('--', '--no-') : undefined;
}

function refusal(argument: string, keys: ConfigKeys): string {
  if (!argument.startsWith('-')) return `"${argument}": unexpected argument`;
  const flags = Object.keys(keys).flatMap((name) => [flagOf(name), negativeOf(name, keys)]);
  return `${argument}: unknown flag${hint(argument, [...flags.filter((flag) => flag !== undefined), '--config'])}`;
}

interface Token {
  /** As written, or the whole argument where it is not a flag. */
  readonly flag: string;
  readonly value: string | undefined;
}

function tokensOf(argv: readonly string[], keys: ConfigKeys): readonly Token[] {
  const entries = Object.entries(keys).map(([name, { kind }]) => [
    flagOf(name).slice(2),
    { type: kind === 'boolean' ? ('boolean' as const) : ('string' as const) },
  ]);
  const options = { ...Object.fromEntries(entries), config: { type: 'string' as const } };
  const { tokens } = parseArgs({ args: [...argv], options, strict: false, tokens: true });
  return tokens.flatMap((token, index): Token[] => {
    if (token.kind === 'option') return [{ flag: token.rawName, value: token.value }];
    const before = tokens[index - 1];
    // what follows an unknown flag is its value, and one complaint is enough
    const isOperand = before?.kind === 'option' && !(before.name in options);
    return token.kind === 'positional' && !isOperand ? [{ flag: token.value, value: undefined }] : [];
  });
}
