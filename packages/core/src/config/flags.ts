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
  const names = new Map(Object.keys(keys).map((name) => [flagOf(name), name]));
  const settings = new Map<string, Setting>();
  const problems: string[] = [];
  let file: string | undefined;

  for (const { flag, value } of tokensOf(argv, keys)) {
    const { place, negated } = names.has(flag) ? { place: flag, negated: false } : positiveOf(flag);
    const name = names.get(place);
    const key = name === undefined ? undefined : keys[name];
    if (flag === '--config' && value) {
      file = value;
    } else if (name === undefined || key === undefined || (negated && key.kind !== 'boolean')) {
      problems.push(refusal(flag, [...names.keys(), '--config']));
    } else if (value === undefined && key.kind !== 'boolean') {
      problems.push(`${flag}: needs a value`);
    } else {
      const written = value ?? String(!negated);
      settings.set(name, { value: joined(key, settings.get(name), written), origin: { from: 'flag', place } });
    }
  }
  return { settings, file, problems };
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

function refusal(argument: string, flags: readonly string[]): string {
  if (argument === '--config') return '--config: needs the name of a file';
  return argument.startsWith('-')
    ? `${argument}: unknown flag${hint(argument, flags)}`
    : `"${argument}": unexpected argument`;
}

function positiveOf(flag: string): { readonly place: string; readonly negated: boolean } {
  return flag.startsWith('--no-') ? { place: `--${flag.slice(5)}`, negated: true } : { place: flag, negated: false };
}

function joined(key: Key, before: Setting | undefined, written: string): string {
  return key.kind === 'list' && before ? `${before.value},${written}` : written;
}
