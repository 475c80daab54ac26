export type Environment = Readonly<Record<string, string | undefined>>;

/** The place a value was set in: the flag, the variable, or the file. */
export interface Origin {
  readonly from: 'flag' | 'environment' | 'file' | 'default';
  readonly place: string;
}

/** A value as it was found, still a string where it was written as one. */
export interface Setting {
  readonly value: unknown;
  readonly origin: Origin;
}

export type Settings = ReadonlyMap<string, Setting>;
