import { corrupt } from './error.ts';
import { LINK_FLAG, LONGEST_TARGET } from './layout.ts';

const SLASH = 0x2f;
const DOT = 0x2e;

/** Puts the target of a link together from its components: each has flags, a length and a part of a name. */
export function joinTarget(parts: readonly Uint8Array[], at: number): Uint8Array {
  const target = new LinkTarget();
  for (const part of parts) target.add(part, at);
  return target.bytes;
}

class LinkTarget {
  readonly #bytes: number[] = [];
  #isContinued = false;

  add(components: Uint8Array, at: number): void {
    for (let offset = 0; offset + 2 <= components.length; ) {
      const flags = components[offset] as number;
      const length = components[offset + 1] as number;
      const end = offset + 2 + length;
      if (end > components.length) throw corrupt('Cannot read link: a component of its target is cut', at);
      this.#addComponent(flags, components.subarray(offset + 2, end));
      if (this.#bytes.length > LONGEST_TARGET) throw corrupt('Cannot read link: its target is too long', at);
      offset = end;
    }
  }

  get bytes(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }

  #addComponent(flags: number, name: Uint8Array): void {
    if ((flags & LINK_FLAG.root) !== 0) {
      this.#bytes.length = 0;
      this.#bytes.push(SLASH);
      return;
    }
    const isWithin = this.#bytes.length > 0 && !(this.#bytes.length === 1 && this.#bytes[0] === SLASH);
    if (isWithin && !this.#isContinued) this.#bytes.push(SLASH);
    if ((flags & LINK_FLAG.current) !== 0) this.#bytes.push(DOT);
    else if ((flags & LINK_FLAG.parent) !== 0) this.#bytes.push(DOT, DOT);
    else this.#bytes.push(...name);
    this.#isContinued = (flags & LINK_FLAG.continue) !== 0;
  }
}
