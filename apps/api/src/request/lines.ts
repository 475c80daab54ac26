import type { Readable } from 'node:stream';
import { tooLarge } from './body.ts';

const LINE_FEED = 0x0a;

/**
 * The lines of a body as they come, and no further than they are asked for. Of a line that is too long nothing but that is told
 * (`undefined`), and no more of it is kept than the limit.
 * @throws Problem `too-large`
 */
export async function* readLines(
  body: Readable,
  limits: { readonly lineBytes: number; readonly bodyBytes: number },
): AsyncGenerator<Buffer | undefined> {
  let line = new PartialLine(limits.lineBytes);
  let size = 0;
  // whoever reads no further still wants to answer
  for await (const chunk of body.iterator({ destroyOnReturn: false })) {
    size += chunk.length;
    if (size > limits.bodyBytes) throw tooLarge(limits.bodyBytes, { connection: 'close' });
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      line.add(chunk.subarray(start, end));
      yield line.bytes();
      line = new PartialLine(limits.lineBytes);
      start = end + 1;
    }
    line.add(chunk.subarray(start));
  }
  // the last line need not end
  if (!line.isEmpty) yield line.bytes();
}

class PartialLine {
  readonly #limitBytes: number;
  readonly #parts: Buffer[] = [];
  #size = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get isEmpty(): boolean {
    return this.#size === 0;
  }

  add(part: Buffer): void {
    this.#size += part.length;
    if (this.#size <= this.#limitBytes) this.#parts.push(part);
    else this.#parts.length = 0;
  }

  bytes(): Buffer | undefined {
    return this.#size <= this.#limitBytes ? Buffer.concat(this.#parts) : undefined;
  }
}
