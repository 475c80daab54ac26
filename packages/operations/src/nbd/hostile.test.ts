import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ByteSource, DiskError } from '@guestkit/disk';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { countedText, join, u16, u32, u64 } from './encode.ts';
import { CHUNK, COMMAND, ERRNO, LIMIT, OPTION, OPTION_ERROR, OPTION_MAGIC, OPTION_REPLY } from './layout.ts';
import { type ImageServer, serveImage } from './serve.ts';
import { type Asked, contexts, TestClient } from './testing/client.ts';
import { ConnectionOver } from './wire.ts';

const MIB = 2 ** 20;
const SIZE = 64 * MIB;
/** Reading from here on fails, up to the end of the mebibyte. */
const DAMAGED = 5 * MIB;

let folder: string;
let socketPath: string;
let server: ImageServer;
let bytesRead = 0;
let failures: unknown[] = [];

/** Every byte is the number of its mebibyte. */
const image: ByteSource = {
  sizeBytes: SIZE,
  read(offset, length) {
    if (offset < DAMAGED + MIB && offset + length > DAMAGED) throw new DiskError('corrupt', 'damaged', { offset });
    return new Uint8Array(length).fill(offset / MIB);
  },
};

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'guestkit-nbd-hostile-'));
  socketPath = path.join(folder, 's');
  server = await serveImage({
    image,
    socketPath,
    maxConnections: 4,
    onRead: (count) => {
      bytesRead += count;
    },
    onReadError: (error) => failures.push(error),
  });
});

beforeEach(() => {
  failures = [];
  bytesRead = 0;
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

/** Somebody else is served as if nothing had happened. */
async function expectService(): Promise<void> {
  const client = await TestClient.ready(socketPath);
  expect(await client.errorOf({ type: COMMAND.read, offset: MIB, length: 512 })).toBe(0);
  client.destroy();
}

describe('a handshake', () => {
  const header = (option: number, length: number) => join(u64(OPTION_MAGIC), u32(option), u32(length));

  test.each([
    ['an option with another magic', join(u64(1), u32(OPTION.list), u32(0))],
    ['an option that is longer than anything', header(OPTION.list, 0xffffffff)],
    ['the old way to an export that is not there', join(header(OPTION.exportName, 1), Buffer.from('x'))],
    ['options without end', Buffer.concat(Array(LIMIT.options).fill(header(99, 0)))],
  ])('with %s ends, and no other does', async (_, bytes) => {
    const client = await TestClient.greeted(socketPath);
    client.send(bytes);
    await client.over();
    await expectService();
  });

  test('with flags that nobody knows ends', async () => {
    const client = await TestClient.greeted(socketPath, 0xff);
    await client.over();
    await expectService();
  });

  test.each([
    ['an option that there is not', 99, undefined, OPTION_ERROR.unsupported],
    ['extended headers', 11, undefined, OPTION_ERROR.unsupported],
    ['TLS', OPTION.startTls, undefined, OPTION_ERROR.policy],
    ['more data than any option has', OPTION.info, Buffer.alloc(MIB), OPTION_ERROR.tooBig],
    ['an export that there is not', OPTION.go, join(countedText('x'), u16(0)), OPTION_ERROR.unknown],
    ['a name longer than its data', OPTION.info, join(u32(1000), u16(0)), OPTION_ERROR.invalid],
    ['more kinds of fact than its data', OPTION.info, join(u32(0), u16(9)), OPTION_ERROR.invalid],
    ['no data where there must be some', OPTION.info, undefined, OPTION_ERROR.invalid],
    ['data where there must be none', OPTION.list, u32(0), OPTION_ERROR.invalid],
    ['a map before structured replies', OPTION.setMetaContext, contexts('base:allocation'), OPTION_ERROR.invalid],
  ])('that asks for %s is refused it, and goes on', async (_, option, data, error) => {
    const client = await TestClient.greeted(socketPath);
    expect(await client.ask(option, data)).toBe(error);
    expect(await client.ask(OPTION.list)).toBe(OPTION_REPLY.ack);
    client.destroy();
  });

  test.each([
    ['more queries than its data', join(u32(0), u32(5))],
    ['queries without end', join(u32(0), u32(0xffffffff))],
    ['a query longer than its data', join(u32(0), u32(1), u32(100))],
    ['something after its queries', join(contexts('base:allocation'), u32(0))],
  ])('with %s is refused the map', async (_, data) => {
    const client = await TestClient.greeted(socketPath);
    await client.ask(OPTION.structuredReply);
    expect(await client.ask(OPTION.setMetaContext, data)).toBe(OPTION_ERROR.invalid);
    client.destroy();
  });

  test('that is broken off is acknowledged, and over', async () => {
    const client = await TestClient.greeted(socketPath);
    expect(await client.ask(OPTION.abort)).toBe(OPTION_REPLY.ack);
    await client.over();
  });
});

describe('a request', () => {
  const { read, blockStatus, write, trim, writeZeroes, flush, cache } = COMMAND;
  const { EINVAL, EPERM } = ERRNO;

  test.each<[string, Asked, number]>([
    ['to read past the end', { type: read, offset: SIZE - 1, length: 2 }, EINVAL],
    ['to read where no disk reaches', { type: read, offset: 2n ** 64n - 1n, length: 1 }, EINVAL],
    ['to read more than the most', { type: read, length: LIMIT.requestBytes + 1 }, EINVAL],
    ['to read with flags that nobody knows', { type: read, flags: 0x8000, length: 1 }, EINVAL],
    ['for the map past the end', { type: blockStatus, offset: SIZE, length: 1 }, EINVAL],
    ['for the map of nothing', { type: blockStatus, length: 0 }, EINVAL],
    ['that there is not', { type: 99 }, EINVAL],
    ['to trim', { type: trim, length: 512 }, EPERM],
    ['to write zeros', { type: writeZeroes, length: 512 }, EPERM],
    ['to flush', { type: flush }, 0],
    ['to cache', { type: cache, length: 512 }, 0],
  ])('%s is answered with its number, and the next one well', async (_, asked, errno) => {
    const client = await TestClient.ready(socketPath);
    expect(await client.errorOf(asked)).toBe(errno);
    expect(await client.errorOf({ type: read, length: 512 })).toBe(0);
    client.destroy();
  });

  test('to write is refused, and what was to be written is not taken for requests', async () => {
    const client = await TestClient.ready(socketPath);
    client.sendRequest({ type: write, length: 100_000 });
    client.send(Buffer.alloc(100_000, 1));
    expect((await client.chunks()).at(-1)?.payload.readUInt32BE()).toBe(EPERM);
    expect(await client.errorOf({ type: read, length: 512 })).toBe(0);
    client.destroy();
  });

  test('for a map that was not agreed on is refused', async () => {
    const client = await TestClient.ready(socketPath, { structured: false });
    client.sendRequest({ type: blockStatus, length: 512 });
    expect(await client.simpleReply()).toBe(EINVAL);
    client.destroy();
  });

  test.each([
    ['with another magic', (client: TestClient) => client.send(Buffer.alloc(28, 1))],
    [
      'to write more than the most',
      (client: TestClient) => client.sendRequest({ type: write, length: LIMIT.requestBytes + 1 }),
    ],
  ])('%s ends the connection, and no other', async (_, send) => {
    const client = await TestClient.ready(socketPath);
    send(client);
    await client.over();
    await expectService();
  });
});

describe('a part that cannot be read', () => {
  test('is an error of its request alone, after what could be read', async () => {
    const client = await TestClient.ready(socketPath);
    client.sendRequest({ type: COMMAND.read, offset: DAMAGED - MIB, length: 3 * MIB });
    const [data, error] = await client.chunks();
    expect(data).toMatchObject({ type: CHUNK.offsetData, done: false });
    expect(error).toMatchObject({ type: CHUNK.errorOffset, done: true });
    expect(error?.payload.readUInt32BE()).toBe(ERRNO.EIO);
    expect(error?.payload.readBigUInt64BE(error.payload.length - 8)).toBe(BigInt(DAMAGED));
    expect(failures).toMatchObject([{ kind: 'corrupt', message: 'damaged' }]);
    expect(await client.errorOf({ type: COMMAND.read, length: 512 })).toBe(0);
    client.destroy();
  });

  test('is an error before any data where replies are simple', async () => {
    const client = await TestClient.ready(socketPath, { structured: false });
    client.sendRequest({ type: COMMAND.read, offset: DAMAGED - MIB, length: 3 * MIB });
    expect(await client.simpleReply()).toBe(ERRNO.EIO);
    client.sendRequest({ type: COMMAND.read, offset: MIB, length: 1 });
    expect(await client.simpleReply()).toBe(0);
    expect([...(await client.read(1))]).toEqual([1]);
    client.destroy();
  });
});

describe('a client', () => {
  test('that dies in the middle of a read leaves the others be', async () => {
    const client = await TestClient.ready(socketPath);
    client.sendRequest({ type: COMMAND.read, offset: 8 * MIB, length: 32 * MIB });
    await client.read(3 * MIB);
    client.destroy();
    await expectService();
  });

  test('that does not take what it asked for is waited for, not read ahead for', async () => {
    const slow = await TestClient.ready(socketPath);
    for (let count = 0; count < 20; count++) {
      slow.sendRequest({ type: COMMAND.read, offset: 32 * MIB, length: 32 * MIB });
    }
    await slow.read(1);
    for (let count = 0; count < 20; count++) await expectService();
    // a piece at a time, and what others read
    expect(bytesRead).toBeLessThan(8 * MIB);
    slow.destroy();
  });

  test('that is one too many is hung up on, until another leaves', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => TestClient.ready(socketPath)));
    await expect(TestClient.greeted(socketPath)).rejects.toThrow(ConnectionOver);
    for (const other of others) other.sendRequest({ type: COMMAND.disconnect });
    await Promise.all(others.map((other) => other.over()));
    await expectService();
  });
});
