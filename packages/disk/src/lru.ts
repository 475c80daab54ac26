/** Keeps the values last used, up to a total weight; the newest value is kept whatever it weighs. */
export class Lru<Key, Value> {
  readonly #maxWeight: number;
  readonly #weigh: (value: Value) => number;
  // a Map iterates in order of insertion, so re-inserting on use keeps the oldest first
  readonly #values = new Map<Key, Value>();
  #weight = 0;
  #latest: Key | undefined;

  constructor(maxWeight: number, weigh: (value: Value) => number) {
    this.#maxWeight = maxWeight;
    this.#weigh = weigh;
  }

  get(key: Key): Value | undefined {
    const value = this.#values.get(key);
    if (value === undefined || key === this.#latest) return value;
    this.#values.delete(key);
    this.#values.set(key, value);
    this.#latest = key;
    return value;
  }

  set(key: Key, value: Value): void {
    this.#remove(key);
    this.#values.set(key, value);
    this.#latest = key;
    this.#weight += this.#weigh(value);
    if (this.#weight <= this.#maxWeight) return;
    for (const oldest of this.#values.keys()) {
      if (this.#weight <= this.#maxWeight || oldest === key) break;
      this.#remove(oldest);
    }
  }

  #remove(key: Key): void {
    const value = this.#values.get(key);
    if (value === undefined) return;
    this.#values.delete(key);
    this.#weight -= this.#weigh(value);
  }
}
