/**
 * Buffers that were given up: what was logged of them before is not replayed, as by then something else may be in their place.
 * What is logged of them after the last cancellation is.
 */
export class CancelledBuffers {
  readonly #counts = new Map<string, number>();

  add(block: number, count: number): void {
    const key = keyOf(block, count);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  has(block: number, count: number): boolean {
    return (this.#counts.get(keyOf(block, count)) ?? 0) > 0;
  }

  /** Counts off a cancellation that was come to. */
  remove(block: number, count: number): void {
    const key = keyOf(block, count);
    this.#counts.set(key, (this.#counts.get(key) ?? 0) - 1);
  }
}

function keyOf(block: number, count: number): string {
  return `${block}+${count}`;
}
