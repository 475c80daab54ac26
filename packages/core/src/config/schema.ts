/** How a key is written in flags, environment and file, and what it becomes. */
export interface Key<Value = unknown> {
  readonly doc: string;
  readonly kind: 'text' | 'integer' | 'boolean' | 'list';
  /** The environment variable: `GUESTKIT_` and the name, where not said otherwise. */
  readonly env?: string;
  readonly default: Value | Derived<Value>;
  /** Throws when a value of the right kind is still not acceptable. */
  check?(value: NonNullable<Value>): void;
  /** Never printed. `password`: only the password within a URL is hidden. */
  readonly secret?: 'all' | 'password';
}

/** A default that is computed: from the machine, or from keys that stand before this one. */
export class Derived<Value> {
  /** What to say of it in `--help`. */
  readonly shown: string;
  readonly compute: (values: Readonly<Record<string, unknown>>) => Value;

  constructor(shown: string, compute: (values: Readonly<Record<string, unknown>>) => Value) {
    this.shown = shown;
    this.compute = compute;
  }
}

/** The keys of an app by their names in code, which are those of the configuration file too. */
export type ConfigKeys = Readonly<Record<string, Key>>;

export type ConfigOf<Keys extends ConfigKeys> = {
  readonly [Name in keyof Keys]: Keys[Name] extends Key<infer Value> ? Value : never;
};

type Extras<Value> = Partial<Omit<Key<Value>, 'kind' | 'doc'>>;

export function text(doc: string, fallback: string | Derived<string>, extras?: Extras<string>): Key<string> {
  return { kind: 'text', doc, default: fallback, ...extras };
}

export function optionalText(doc: string, extras?: Extras<string | undefined>): Key<string | undefined> {
  return { kind: 'text', doc, default: undefined, ...extras };
}

export function oneOf<const Values extends readonly string[]>(
  values: Values,
  doc: string,
  fallback: Values[number],
): Key<Values[number]> {
  const check = (value: string) => demand(values.includes(value), `must be one of ${values.join(', ')}`);
  return { kind: 'text', doc: `${doc}: ${values.join(', ')}`, default: fallback, check };
}

export function integer(
  doc: string,
  fallback: number | Derived<number>,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: { readonly min?: number; readonly max?: number } = {},
): Key<number> {
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `${min} to ${max}`;
  const check = (value: number) => demand(value >= min && value <= max, `must be ${range}`);
  return { kind: 'integer', doc, default: fallback, check };
}

export function milliseconds(doc: string, fallback: number, { min = 1 }: { readonly min?: number } = {}): Key<number> {
  // what a Node timer can hold
  return integer(`${doc}, in milliseconds`, fallback, { min, max: 2 ** 31 - 1 });
}

export function port(doc: string, fallback: number): Key<number> {
  return integer(`${doc}; 0 for any that is free`, fallback, { max: 65_535 });
}

export function flag(doc: string, fallback: boolean): Key<boolean> {
  return { kind: 'boolean', doc, default: fallback };
}

export function list(
  doc: string,
  fallback: readonly string[] | Derived<readonly string[]>,
  check?: (value: readonly string[]) => void,
): Key<readonly string[]> {
  return { kind: 'list', doc, default: fallback, ...(check && { check }) };
}

export function demand(condition: boolean, expected: string): void {
  if (!condition) throw new RangeError(expected);
}

/** `dataDir` as `--data-dir`. */
export function flagOf(name: string): string {
  return `--${words(name).join('-')}`;
}

/** `dataDir` as `GUESTKIT_DATA_DIR`. */
export function envOf(name: string, key: Key): string {
  return key.env ?? `GUESTKIT_${words(name).join('_').toUpperCase()}`;
}

function words(name: string): string[] {
  return name.split(/(?=[A-Z])/).map((word) => word.toLowerCase());
}
