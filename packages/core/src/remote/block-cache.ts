/** Keeps the blocks used last, as many as fit into a budget of memory. */
export class BlockCache {
  readonly #maxBlocks: number;
  // a Map iterates in order of insertion, so re-inserting on use keeps the oldest first
  readonly #blocks = new Map<number, Uint8Array>();

  constructor(blockBytes: number, budgetBytes: number) {
    this.#maxBlocks = Math.max(1, Math.floor(budgetBytes / blockBytes));
  }

  has(block: number): boolean {
    return this.#blocks.has(block);
  }

  get(block: number): Uint8Array | undefined {
    const bytes = this.#blocks.get(block);
    if (bytes !== undefined) this.set(block, bytes);
    return bytes;
  }

  set(block: number, bytes: Uint8Array): void {
    this.#blocks.delete(block);
    this.#blocks.set(block, bytes);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > this.#maxBlocks && oldest !== undefined) this.#blocks.delete(oldest);
  }
}
