/** Consecutive blocks of a file and where they are stored; without `physical` they read as zeros. */
export interface BlockRun {
  readonly physical: number | undefined;
  readonly count: number;
  /** The blocks are allocated, but were never written: there is a place for them, and still they read as zeros. */
  readonly isUnwritten?: boolean;
}

/** Where the blocks of a file are. */
export interface BlockMap {
  /** The run that begins at a block of the file, as far as one look tells: the next run may continue it. */
  runAt(block: number): BlockRun;
}
