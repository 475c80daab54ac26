import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { readLines } from './lines.ts';

const LIMITS = { lineBytes: 8, bodyBytes: 100 };

async function linesOf(chunks: readonly string[], limits = LIMITS): Promise<(string | undefined)[]> {
  const lines = await Array.fromAsync(readLines(Readable.from(bodyOf(chunks)), limits));
  return lines.map((line) => line?.toString());
}

async function* bodyOf(chunks: readonly string[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) yield Buffer.from(chunk);
}

describe('readLines', () => {
  test('joins what came apart, and parts what came together', async () => {
    expect(await linesOf(['one\ntw', 'o\nthr', '', 'ee\nfour\n'])).toEqual(['one', 'two', 'three', 'four']);
  });

  test('takes a last line without an end, and shows empty lines', async () => {
    expect(await linesOf(['\na\r\n\nlast'])).toEqual(['', 'a\r', '', 'last']);
  });

  test('tells of a line that is too long, and goes on behind it', async () => {
    expect(await linesOf(['12345678\n12345', '6789', '0\nnext\n123456789'])).toEqual([
      '12345678',
      undefined,
      'next',
      undefined,
    ]);
  });

  test('refuses a body that is too large, after the lines before that', async () => {
    const lines: string[] = [];
    const reading = async () => {
      for await (const line of readLines(Readable.from(bodyOf(['a\nb\n', 'cccc'])), { ...LIMITS, bodyBytes: 7 })) {
        lines.push(String(line));
      }
    };
    await expect(reading()).rejects.toThrow('Cannot read the body: it is larger than 7 bytes');
    expect(lines).toEqual(['a', 'b']);
  });

  test('reads no further than it is asked to', async () => {
    let chunks = 0;
    async function* endless() {
      for (;;) {
        chunks += 1;
        yield Buffer.from('a\nb\n');
      }
    }
    const lines = readLines(Readable.from(endless(), { highWaterMark: 1 }), { ...LIMITS, bodyBytes: 2 ** 20 });
    await lines.next();
    await lines.next();
    // one that is read, and one that the stream holds ready
    expect(chunks).toBeLessThan(4);
    await lines.return(undefined);
  });
});
