import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { readInOrder } from '../../source/read-in-order.ts';
import { QemuFolder, writeStructured } from '../../testing/qemu-folder.ts';
import { TracingSource } from '../../testing/tracing-source.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

const CLUSTER_BYTES = 64 * 1024;
const DISK_BYTES = 40 * CLUSTER_BYTES;

let folder: QemuFolder;

beforeAll(() => {
  folder = new QemuFolder();
  writeStructured(folder.file('disk.raw'), DISK_BYTES);
});

afterAll(() => folder.remove());

describe.each(['zlib', 'zstd'])('a qcow2 packed by %s', (type) => {
  function packed(): Buffer {
    const options = ['-O', 'qcow2', '-c', '-o', `compression_type=${type}`];
    folder.img('convert', '-f', 'raw', ...options, 'disk.raw', 'packed.qcow2');
    return readFileSync(folder.file('packed.qcow2'));
  }

  function open(bytes: Uint8Array) {
    const traced = new TracingSource(new MemorySource(bytes));
    return { image: openImage(traced, { references: denyReferences }), traced };
  }

  test('reads what was prepared without reading or unpacking it again', async () => {
    const { image, traced } = open(packed());
    await image.prepare?.(CLUSTER_BYTES / 2, 8 * CLUSTER_BYTES);
    const before = traced.count;
    const bytes = image.read(CLUSTER_BYTES / 2, 8 * CLUSTER_BYTES);
    expect(traced.count).toBe(before);
    const expected = readFileSync(folder.file('disk.raw')).subarray(CLUSTER_BYTES / 2, 8.5 * CLUSTER_BYTES);
    expect(Buffer.compare(bytes, expected)).toBe(0);
  });

  test('is the same disk when it is read in order', async () => {
    const { image } = open(packed());
    const pieces: Buffer[] = [];
    for await (const { bytes } of readInOrder(image)) pieces.push(Buffer.from(bytes));
    expect(Buffer.compare(Buffer.concat(pieces), readFileSync(folder.file('disk.raw')))).toBe(0);
  });

  test('leaves it to the read to say that a cluster is damaged', async () => {
    const bytes = packed();
    const { image, traced } = open(bytes);
    image.read(0, CLUSTER_BYTES);
    const [start, end] = traced.ranges.at(-1) ?? [0, 0];
    bytes.fill(0xff, start, end);
    const damaged = open(bytes).image;
    await expect(damaged.prepare?.(0, DISK_BYTES)).resolves.toBeUndefined();
    expect(() => damaged.read(0, CLUSTER_BYTES)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: start }));
    await expect(Array.fromAsync(readInOrder(damaged))).rejects.toMatchObject({ kind: 'corrupt', offset: start });
  });
});

test('a disk that fails is told by the read, not by what is done ahead of it', async () => {
  folder.img('convert', '-f', 'raw', '-O', 'qcow2', '-c', 'disk.raw', 'packed.qcow2');
  const below = new MemorySource(readFileSync(folder.file('packed.qcow2')));
  let isBroken = false;
  const breaking: ByteSource = {
    sizeBytes: below.sizeBytes,
    read(offset, length) {
      if (isBroken) throw new DiskError('io', 'Cannot read: the disk is gone', { offset });
      return below.read(offset, length);
    },
  };
  const image = openImage(breaking, { references: denyReferences });
  // the tables are known from now on
  image.read(0, 1);
  isBroken = true;
  await expect(image.prepare?.(CLUSTER_BYTES, DISK_BYTES)).resolves.toBeUndefined();
  expect(() => image.read(CLUSTER_BYTES, 1)).toThrow(expect.objectContaining({ kind: 'io' }));
});

test('a damaged table is told by the read, not by what is done ahead of it', async () => {
  folder.img('convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'plain.qcow2');
  const bytes = readFileSync(folder.file('plain.qcow2'));
  const table = Number(bytes.readBigUInt64BE(Number(bytes.readBigUInt64BE(40))) & 0x00ffffffffffffffn);
  bytes.writeBigUInt64BE(BigInt(CLUSTER_BYTES) * 2n ** 30n, table);
  const image = openImage(new MemorySource(bytes), { references: denyReferences });
  await expect(image.prepare?.(0, DISK_BYTES)).resolves.toBeUndefined();
  expect(() => image.read(0, 1)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: table }));
});
