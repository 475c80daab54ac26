import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';

export interface GroupCommitOptions<Item, Result> {
  /** Answers for the items in their order. */
  readonly commit: (items: readonly Item[]) => Promise<readonly Result[]>;
  readonly maxItems: number;
  /** Commits that may be under way at once; a further one begins when as many wait as fit into it. */
  readonly writers?: number;
  /** How long the first of a group waits for company; where not given, until the event loop has gone round once. */
  readonly gatherMs?: number;
  /** Whether a failure may be owed to one item, so that each should be tried alone. */
  readonly isOwedToOne?: (error: unknown) => boolean;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/** Lets callers that come at the same time, or while a commit is under way, share the next one. */
export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  readonly #working = new Set<Promise<void>>();
  #writers = 0;
  #gathering = 0;

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
  }

  /** Resolves once the item is committed. */
  add(item: Item): Promise<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, resolve, reject });
    if (this.#writers === 0 || this.#isWorthAnother()) this.#begin();
    return promise;
  }

  /** Resolves when nothing waits any more. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  #isWorthAnother(): boolean {
    const { writers = 1, maxItems } = this.#options;
    // those that gather will each take a group
    return this.#writers < writers && this.#waiting.length >= maxItems * (this.#gathering + 1);
  }

  #begin(): void {
    this.#writers += 1;
    const working = this.#work().finally(() => this.#working.delete(working));
    this.#working.add(working);
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#gather();
      const group = this.#waiting.slice(0, this.#options.maxItems);
      this.#waiting = this.#waiting.slice(group.length);
      if (group.length > 0) await this.#commit(group);
    }
    // in the same breath as the last look at who waits: nobody must wait for a writer that has gone
    this.#writers -= 1;
  }

  /** Whatever this turn of the event loop brings is in the group. */
  async #gather(): Promise<void> {
    const { gatherMs } = this.#options;
    this.#gathering += 1;
    await (gatherMs === undefined ? nextTurn() : delay(gatherMs));
    this.#gathering -= 1;
  }

  async #commit(group: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.commit(group.map(({ item }) => item));
      for (const [index, result] of results.entries()) group[index]?.resolve(result);
    } catch (error) {
      if (group.length > 1 && this.#options.isOwedToOne?.(error)) {
        for (const item of group) await this.#commit([item]);
        return;
      }
      for (const { reject } of group) reject(error);
    }
  }
}
