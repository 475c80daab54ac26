import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { CachedSource, denyReferences, FileSource, MemorySource, openImage } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasTool } from '../../../disk/src/testing/tool.ts';
import { CHUNK, COMMAND, COMMAND_FLAG } from './layout.ts';
import { type ImageServer, serveImage } from './serve.ts';
import { TestClient } from './testing/client.ts';

const run = promisify(execFile);
const libnbdAbsent = hasTool('nbdcopy') ? undefined : 'nbdinfo and nbdcopy of libnbd are absent';
if (libnbdAbsent !== undefined) console.warn(`Skipping tests: ${libnbdAbsent}`);

const SIZE = 24 * 2 ** 20 + 512;
let folder: string;
let server: ImageServer;
let raw: Buffer;

const file = (name: string) => path.join(folder, name);
const img = async (...args: readonly string[]) => (await run('qemu-img', args, { cwd: folder })).stdout;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'guestkit-nbd-'));
  await img('create', '-q', '-f', 'qcow2', 'disk.qcow2', String(SIZE));
  const writes = ['write -P 1 0 3M', 'write -P 2 5M 65k', 'write -z 6M 1M', 'write -P 3 20M 4M', `write -P 4 24M 512`];
  await run('qemu-io', ['-f', 'qcow2', ...writes.flatMap((write) => ['-c', write]), 'disk.qcow2'], { cwd: folder });
  await img('convert', '-f', 'qcow2', '-O', 'raw', 'disk.qcow2', 'disk.raw');
  raw = readFileSync(file('disk.raw'));
  const image = openImage(new CachedSource(FileSource.open(file('disk.qcow2'))), { references: denyReferences });
  server = await serveImage({ image, socketPath: file('disk.sock'), description: 'a disk of a test' });
});

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

describe('an image that is served', () => {
  test.skipIf(libnbdAbsent)('is what nbdinfo is told of it', async () => {
    const { stdout } = await run('nbdinfo', ['--json', server.uri]);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({ protocol: 'newstyle-fixed', TLS: false, structured: true });
    expect(document.exports).toMatchObject([
      {
        'export-name': '',
        description: 'a disk of a test',
        'export-size': SIZE,
        contexts: ['base:allocation'],
        is_read_only: true,
        can_multi_conn: true,
        can_df: true,
        can_cache: true,
        can_trim: false,
        can_zero: false,
        block_size_minimum: 1,
        block_size_maximum: 2 ** 25,
      },
    ]);
  });

  test.skipIf(libnbdAbsent)('is listed', async () => {
    const { stdout } = await run('nbdinfo', ['--list', '--json', server.uri]);
    expect(JSON.parse(stdout).exports).toMatchObject([{ 'export-name': '', 'export-size': SIZE }]);
  });

  test.skipIf(libnbdAbsent)('tells nbdinfo its map', async () => {
    const { stdout } = await run('nbdinfo', ['--map', '--json', server.uri]);
    const answer = JSON.parse(stdout).map(({ offset, length, type }: NbdExtent) => ({ offset, length, type }));
    expect(answer).toEqual([
      { offset: 0, length: 3 * 2 ** 20, type: 0 },
      { offset: 3 * 2 ** 20, length: 2 * 2 ** 20, type: 3 },
      { offset: 5 * 2 ** 20, length: 2 ** 17, type: 0 },
      { offset: 5 * 2 ** 20 + 2 ** 17, length: 2 ** 20 - 2 ** 17, type: 3 },
      { offset: 6 * 2 ** 20, length: 2 ** 20, type: 2 },
      { offset: 7 * 2 ** 20, length: 13 * 2 ** 20, type: 3 },
      { offset: 20 * 2 ** 20, length: 4 * 2 ** 20 + 512, type: 0 },
    ]);
  });

  test.skipIf(libnbdAbsent).each([
    ['', []],
    [' in small pieces', ['--request-size=4096']],
    [' over one connection', ['--connections=1']],
    [' without its map', ['--no-extents']],
  ])('is copied by nbdcopy byte for byte%s', async (_, options) => {
    await run('nbdcopy', [...options, server.uri, file('copy.raw')]);
    expect(readFileSync(file('copy.raw')).equals(raw)).toBe(true);
  });

  test('is the same to qemu-img compare, and to convert', async () => {
    expect(await img('compare', '-f', 'raw', '-F', 'qcow2', server.uri, 'disk.qcow2')).toContain('identical');
    await img('convert', '-f', 'raw', '-O', 'raw', server.uri, 'converted.raw');
    expect(readFileSync(file('converted.raw')).equals(raw)).toBe(true);
  });

  test('has the map for qemu-img that the container has', async () => {
    const zerosOf = async (...what: readonly string[]) => {
      const entries: readonly QemuExtent[] = JSON.parse(await img('map', '--output=json', ...what));
      const flags = entries.map(({ start, zero }) => ({ start, zero }));
      return flags.filter(({ zero }, index) => zero !== flags[index - 1]?.zero);
    };
    expect(await zerosOf('-f', 'raw', server.uri)).toEqual(await zerosOf('-f', 'qcow2', 'disk.qcow2'));
  });

  test('is read by many at once', async () => {
    const copies = Array.from({ length: 3 }, (_, index) =>
      img('convert', '-f', 'raw', '-O', 'raw', server.uri, `many-${index}.raw`),
    );
    await Promise.all(copies);
    for (const index of copies.keys()) expect(readFileSync(file(`many-${index}.raw`)).equals(raw)).toBe(true);
  });
});

interface NbdExtent {
  readonly offset: number;
  readonly length: number;
  readonly type: number;
}

interface QemuExtent {
  readonly start: number;
  readonly zero: boolean;
}

describe('a read', () => {
  test('is answered in chunks, holes as what they are', async () => {
    const client = await TestClient.ready(file('disk.sock'));
    client.sendRequest({ type: COMMAND.read, offset: 2 * 2 ** 20, length: 4 * 2 ** 20 });
    const chunks = await client.chunks();
    expect(chunks.map(({ type }) => type)).toEqual([
      CHUNK.offsetData,
      CHUNK.offsetHole,
      CHUNK.offsetData,
      CHUNK.offsetHole,
    ]);
    expect(chunks[0]?.payload.length).toBe(8 + 2 ** 20);
    client.destroy();
  });

  test('that must not be in fragments is one chunk, with the zeros of its holes', async () => {
    const client = await TestClient.ready(file('disk.sock'));
    const [offset, length] = [2 * 2 ** 20, 4 * 2 ** 20];
    client.sendRequest({ type: COMMAND.read, flags: COMMAND_FLAG.dontFragment, offset, length });
    const [chunk, ...others] = await client.chunks();
    expect(others).toEqual([]);
    expect(chunk?.payload.subarray(8).equals(raw.subarray(offset, offset + length))).toBe(true);
    client.destroy();
  });

  test('of a client that knows only simple replies is whole', async () => {
    const client = await TestClient.ready(file('disk.sock'), { structured: false });
    client.sendRequest({ type: COMMAND.read, offset: 0, length: SIZE });
    expect(await client.simpleReply()).toBe(0);
    expect((await client.read(SIZE)).equals(raw)).toBe(true);
    client.destroy();
  });

  test('of nothing is answered with nothing', async () => {
    const client = await TestClient.ready(file('disk.sock'));
    client.sendRequest({ type: COMMAND.read, offset: 0, length: 0 });
    expect(await client.chunks()).toMatchObject([{ type: CHUNK.none, done: true }]);
    client.destroy();
  });
});

describe('a question for the map', () => {
  test.each([
    ['is answered as far as it asks', 0, [3 * 2 ** 20, 0, 2 ** 20, 3]],
    ['for one extent is answered with one', COMMAND_FLAG.requestOne, [3 * 2 ** 20, 0]],
  ])('%s', async (_, flags, expected) => {
    const client = await TestClient.ready(file('disk.sock'));
    client.sendRequest({ type: COMMAND.blockStatus, flags, offset: 0, length: 4 * 2 ** 20 });
    const [chunk] = await client.chunks();
    const numbers = Array.from({ length: expected.length }, (_each, index) =>
      chunk?.payload.readUInt32BE(4 + index * 4),
    );
    expect(chunk?.payload.length).toBe(4 + expected.length * 4);
    expect(numbers).toEqual(expected);
    client.destroy();
  });
});

describe('serveImage', () => {
  const image = new MemorySource(new Uint8Array(512));

  test('makes a socket for its owner alone, and takes it away', async () => {
    const socketPath = file('private.sock');
    {
      await using own = await serveImage({ image, socketPath });
      expect(own.uri).toBe(`nbd+unix:///?socket=${socketPath}`);
      expect(statSync(socketPath).isSocket()).toBe(true);
      expect(statSync(socketPath).mode & 0o777).toBe(0o600);
    }
    expect(statSync(socketPath, { throwIfNoEntry: false })).toBeUndefined();
  });

  test('replaces nothing that is there', async () => {
    const socketPath = file('taken');
    writeFileSync(socketPath, 'mine');
    await expect(serveImage({ image, socketPath })).rejects.toThrow(/^Cannot make socket .*: there is a file already/);
    expect(readFileSync(socketPath, 'utf8')).toBe('mine');
  });

  test('does not take away what came in place of its socket', async () => {
    const socketPath = file('replaced');
    const own = await serveImage({ image, socketPath });
    rmSync(socketPath);
    writeFileSync(socketPath, 'mine');
    await own.close();
    expect(readFileSync(socketPath, 'utf8')).toBe('mine');
  });

  test.each([
    ['a folder that is not there', () => file('nowhere/s'), /its folder does not exist/],
    ['a path that is too long', () => file(`${'f'.repeat(250)}/s`), /its folder/],
  ])('refuses %s', async (_, socketPath, message) => {
    await expect(serveImage({ image, socketPath: socketPath() })).rejects.toThrow(message);
  });

  test('closes when it is told to, whoever is connected', async () => {
    const stop = new AbortController();
    const own = await serveImage({ image, socketPath: file('stopped.sock'), signal: stop.signal });
    const client = await TestClient.ready(file('stopped.sock'));
    stop.abort();
    await own.closed;
    await client.over();
  });

  test('names the export as it was asked to, and no other', async () => {
    await using own = await serveImage({ image, socketPath: file('named.sock'), name: 'disk one' });
    expect(own.uri).toBe(`nbd+unix:///disk%20one?socket=${file('named.sock')}`);
    expect(await img('info', '-f', 'raw', own.uri)).toContain('512');
    await expect(img('info', `nbd+unix:///?socket=${file('named.sock')}`)).rejects.toThrow();
  });

  test('tells how much was read, which holes need not be', async () => {
    let bytes = 0;
    const source = openImage(new CachedSource(FileSource.open(file('disk.qcow2'))), { references: denyReferences });
    const onRead = (count: number) => {
      bytes += count;
    };
    await using own = await serveImage({ image: source, socketPath: file('counted.sock'), onRead });
    const client = await TestClient.ready(file('counted.sock'));
    client.sendRequest({ type: COMMAND.read, offset: 0, length: 6 * 2 ** 20 });
    await client.chunks();
    expect(bytes).toBe(3 * 2 ** 20 + 2 ** 17);
    client.destroy();
    await own.close();
  });
});
