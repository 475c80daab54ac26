/** Work that one API node at a time does, again and again; harmless if two do it at once. */
export interface Duty {
  readonly name: string;
  /** From the end of one run to the start of the next. */
  readonly everyMs: number;
  /** Ends soon after the signal fires: another node is leading by then, or waits to. */
  run(signal: AbortSignal): Promise<void>;
}
