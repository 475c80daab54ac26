import { describe, expect, test } from 'vitest';
import { MemorySource } from './memory-source.ts';
import { type Piece, readInOrder } from './read-in-order.ts';
import { WindowSource } from './window-source.ts';

const MIB = 2 ** 20;

function counting(sizeBytes: number): Uint8Array {
  const content = new Uint8Array(sizeBytes);
  for (let index = 0; index < sizeBytes; index++) content[index] = (index * 7) % 251;
  return content;
}

/** Tells what was prepared and read, in order. */
class ToldSource extends MemorySource {
  readonly told: string[] = [];

  async prepare(offset: number, length: number): Promise<void> {
    this.told.push(`prepare ${offset / MIB}`);
    await Promise.resolve();
    this.told.push(`ready ${(offset + length) / MIB}`);
  }

  override read(offset: number, length: number): Uint8Array {
    this.told.push(`read ${offset / MIB}`);
    return super.read(offset, length);
  }
}

async function joined(pieces: AsyncIterable<Piece>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const { bytes } of pieces) all.push(Buffer.from(bytes));
  return Buffer.concat(all);
}

describe('readInOrder', () => {
  test.each([0, 1, MIB - 1, MIB, 2 * MIB + 3])('hands out all of a source of %i bytes', async (sizeBytes) => {
    const content = counting(sizeBytes);
    expect(Buffer.compare(await joined(readInOrder(new MemorySource(content))), content)).toBe(0);
  });

  test('does not read what is known to be empty', async () => {
    const below = new ToldSource(counting(3 * MIB));
    const source = Object.assign(below, {
      *extents(from: number, to: number) {
        yield { offset: from, length: to - from, kind: from === MIB ? ('data' as const) : ('absent' as const) };
      },
    });
    const kinds: string[] = [];
    for await (const { kind, bytes } of readInOrder(source)) kinds.push(`${kind} ${bytes.length} ${bytes[1]}`);
    expect(kinds).toEqual([`absent ${MIB} 0`, `data ${MIB} ${(7 * (MIB + 1)) % 251}`, `absent ${MIB} 0`]);
    expect(below.told.filter((text) => text.startsWith('read '))).toEqual(['read 1']);
  });

  test('has three pieces prepared ahead of the one that is read, also through a window', async () => {
    const source = new ToldSource(counting(6 * MIB));
    await joined(readInOrder(new WindowSource(source, MIB, 5 * MIB)));
    const when = (what: string) => source.told.indexOf(what);
    expect(source.told.filter((text) => text.startsWith('prepare'))).toHaveLength(5);
    for (const piece of [1, 2, 3, 4, 5]) {
      expect(when(`ready ${piece + 1}`)).toBeLessThan(when(`read ${piece}`));
      if (piece + 3 <= 5) expect(when(`prepare ${piece + 3}`)).toBeLessThan(when(`read ${piece}`));
      if (piece + 4 <= 5) expect(when(`prepare ${piece + 4}`)).toBeGreaterThan(when(`read ${piece}`));
    }
  });
});
