import type { CancelIntent, CancelWatch } from './cancel-intents.ts';

/** The copy of the intents that one process has. */
export class CancelCopy implements CancelWatch {
  #reasons = new Map<string, string>();
  readonly #followers = new Map<string, Set<(reason: string) => void>>();

  reasonFor(tenant: string, jobId: string): string | undefined {
    // there are none nearly always, and every attempt asks
    return this.#reasons.size === 0 ? undefined : this.#reasons.get(keyOf(tenant, jobId));
  }

  follow(tenant: string, jobId: string, onCancel: (reason: string) => void): Disposable {
    const key = keyOf(tenant, jobId);
    const followers = this.#followers.get(key) ?? new Set();
    this.#followers.set(key, followers.add(onCancel));
    const known = this.#reasons.get(key);
    if (known !== undefined) onCancel(known);
    return {
      [Symbol.dispose]: () => {
        followers.delete(onCancel);
        if (followers.size === 0 && this.#followers.get(key) === followers) this.#followers.delete(key);
      },
    };
  }

  add(intents: readonly CancelIntent[]): void {
    for (const { tenant, jobId, reason } of intents) {
      const key = keyOf(tenant, jobId);
      this.#reasons.set(key, reason);
      for (const tell of this.#followers.get(key) ?? []) tell(reason);
    }
  }

  /** These, and no others. */
  replace(intents: readonly CancelIntent[]): void {
    this.#reasons = new Map();
    this.add(intents);
  }
}

function keyOf(tenant: string, jobId: string): string {
  return `${tenant} ${jobId}`;
}
