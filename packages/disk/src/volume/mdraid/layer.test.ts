import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Volume } from '../../disk.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus } from '../../testing/corpus.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { hasTool } from '../../testing/tool.ts';
import { assembleArrays } from './layer.ts';
import { CHUNK, DATA_BYTES, MEMBER_BYTES, member } from './testing.ts';

function volumesOf(members: readonly Uint8Array[]): Volume[] {
  return members.map((bytes, index) => ({
    device: `/dev/sda${index + 1}`,
    source: new MemorySource(bytes),
    partition: undefined,
    signature: { type: 'linux_raid_member', label: undefined, uuid: undefined },
    fileSystem: undefined,
    error: undefined,
  }));
}

const assemble = (members: readonly Uint8Array[]) => assembleArrays(volumesOf(members));

function read(members: readonly Uint8Array[]): Buffer {
  const [outcome, ...others] = assemble(members);
  if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? new Error('no array');
  expect(others).toEqual([]);
  expect(outcome.device).toBe('/dev/md127');
  return Buffer.from(outcome.source.read(0, outcome.source.sizeBytes));
}

function content(sizeBytes: number): Buffer {
  const random = seededRandom(sizeBytes);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at < sizeBytes; at += 4) bytes.writeUInt32LE(random(2 ** 32), at);
  return bytes;
}

/** Data dealt to members by rows that name chunks, and the parity where they say P. */
function deal(data: Buffer, rows: readonly string[]): Buffer[] {
  const chunk = (cell: string) => data.subarray(Number(cell) * CHUNK, (Number(cell) + 1) * CHUNK);
  const cells = rows.map((row) => row.split(' '));
  const parity = (row: readonly string[]) => {
    const sum = Buffer.alloc(CHUNK);
    for (const cell of row)
      if (cell !== 'P') for (const [at, byte] of chunk(cell).entries()) sum[at] = (sum[at] ?? 0) ^ byte;
    return sum;
  };
  return (cells[0] ?? []).map((_, place) =>
    Buffer.concat(cells.map((row) => (row[place] === 'P' ? parity(row) : chunk(row[place] ?? '')))),
  );
}

const VERSIONS = ['0.90', '1.0', '1.1', '1.2'] as const;

describe.each(VERSIONS)('an array with superblocks of version %s', (version) => {
  test('of level 1 is read from any of its members', () => {
    const data = content(DATA_BYTES);
    const members = [0, 1].map((place) => member(data, { level: 1, members: 2, place, version }));
    for (const some of [members, members.slice(1), members.slice(0, 1)]) expect(data.equals(read(some))).toBe(true);
  });

  test('of level 0 is read chunk by chunk, whatever order its members come in', () => {
    // version 0.90 has data up to its superblock
    const each = version === '0.90' ? Math.floor(MEMBER_BYTES / 65536) * 65536 - 65536 : DATA_BYTES;
    const rows = Array.from({ length: each / CHUNK }, (_, row) => `${2 * row} ${2 * row + 1}`);
    const data = content(2 * each);
    const members = deal(data, rows).map((part, place) => member(part, { level: 0, members: 2, place, version }));
    expect(data.equals(read(members))).toBe(true);
    expect(data.equals(read(members.toReversed()))).toBe(true);
    expect(assemble(members.slice(1))).toMatchObject([{ error: { kind: 'unsupported' } }]);
  });

  test('of level 5 is read, and computed where a member is missing', () => {
    const rows = ['0 1 P', '3 P 2', 'P 4 5', '6 7 P', '9 P 8', 'P 10 11', '12 13 P', '15 P 14'];
    const data = content(16 * CHUNK);
    const members = deal(data, rows).map((part, place) =>
      member(part, { level: 5, layout: 2, members: 3, place, version }),
    );
    expect(data.equals(read(members))).toBe(true);
    for (const place of [0, 1, 2]) expect(data.equals(read(members.filter((_, index) => index !== place)))).toBe(true);
  });
});

describe('an array', () => {
  test('of level 10 with two near copies is read from those that are there', () => {
    const rows = Array.from({ length: 8 }, (_, row) => `${2 * row} ${2 * row} ${2 * row + 1} ${2 * row + 1}`);
    const data = content(16 * CHUNK);
    const members = deal(data, rows).map((part, place) =>
      member(part, { level: 10, layout: 0x102, members: 4, place }),
    );
    expect(data.equals(read(members))).toBe(true);
    expect(data.equals(read(members.filter((_, index) => index % 2 === 0)))).toBe(true);
  });

  test('that is linear is read member by member', () => {
    const data = content(2 * DATA_BYTES);
    const parts = [data.subarray(0, DATA_BYTES), data.subarray(DATA_BYTES)];
    expect(data.equals(read(parts.map((part, place) => member(part, { level: -1, members: 2, place }))))).toBe(true);
  });

  test('leaves out a member that missed changes, a spare, and one that is being rebuilt', () => {
    const data = content(DATA_BYTES);
    const stale = content(DATA_BYTES).fill(1);
    const good = member(data, { level: 1, members: 2, place: 1, events: 20 });
    for (const other of [{ events: 7 }, { role: 0xffff }, { features: 2 }]) {
      const bad = member(stale, { level: 1, members: 2, place: 0, events: 20, ...other });
      expect(data.equals(read([bad, good]))).toBe(true);
    }
  });

  test.each([
    ['is being reshaped', { features: 4 }],
    ['has a journal', { features: 512 }],
    ['is of an unknown level', { level: 7 }],
    ['has an unknown layout', { level: 5, layout: 99 }],
  ])('that %s is refused', (_, plan) => {
    const members = [0, 1, 2].map((place) =>
      member(new Uint8Array(DATA_BYTES), { level: 1, members: 3, place, ...plan }),
    );
    expect(assemble(members).every((outcome) => 'error' in outcome && outcome.error.kind === 'unsupported')).toBe(true);
  });

  test('never ends in anything but a DiskError, whatever is changed', () => {
    const members = [0, 1, 2].map((place) => member(content(DATA_BYTES), { level: 5, layout: 2, members: 3, place }));
    const [first = Buffer.alloc(0), ...rest] = members;
    const random = seededRandom(3);
    for (let round = 0; round < 500; round++) {
      const mutated = mutate(first, [[4096, 4096 + 400]], random);
      expect(misbehaviour(() => void assemble([mutated, ...rest]))).toBeUndefined();
    }
  });
});

describe.skipIf(!hasTool('mdadm'))('the superblocks of these tests', () => {
  test.each(VERSIONS)('of version %s are what mdadm reads too', (version) => {
    const folder = mkdtempSync(join(tmpdir(), 'guestkit-md-'));
    try {
      const file = join(folder, 'member');
      writeFileSync(file, member(content(DATA_BYTES), { level: 5, layout: 2, members: 3, place: 1, version }));
      const report = execFileSync('mdadm', ['--examine', file], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      expect(report).toMatch(/Checksum : \w+ - correct/);
      expect(report).toMatch(/Raid Level : raid5/);
      expect(report).toMatch(/Layout : left-symmetric/);
      expect(report).toMatch(/Chunk Size : 64K/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('the members of an array on the partitions of a disk', () => {
  test.each([5, 10])('are not put together at level %i when they are smaller than it says', (level) => {
    const layout = level === 10 ? 0x102 : 2;
    const members = [0, 1, 2].map((place) =>
      member(content(DATA_BYTES), { level, layout, members: 3, place, usedBytes: 2 ** 44 }),
    );
    const message = expect.stringContaining('bytes of each member, of which one holds');
    expect(assemble(members)).toMatchObject([{ error: { kind: 'unsupported', message } }]);
  });

  test.each(VERSIONS)('are found by their superblocks of version %s, and put together', (version) => {
    const data = content(DATA_BYTES * 2);
    const members = deal(data, rowsOf(DATA_BYTES / CHUNK)).map((bytes, place) => {
      return member(bytes, { level: 0, members: 2, place, version });
    });
    const { volumes } = openDisk(new MemorySource(partitioned(members)), { references: denyReferences });
    expect(volumes.map(({ device, signature }) => [device, signature?.type])).toEqual([
      ['/dev/sda1', 'linux_raid_member'],
      ['/dev/sda2', 'linux_raid_member'],
      ['/dev/md127', undefined],
    ]);
    expect(volumes[2]?.members).toEqual(['/dev/sda1', '/dev/sda2']);
    expect(data.equals(volumes[2]?.source.read(0, data.length) ?? Buffer.alloc(0))).toBe(true);
  });

  // blkid looks for no arrays on what is as small as a floppy, and for those of the other versions at its end
  test.skipIf(!hasTool('blkid')).each(['1.1', '1.2'] as const)('of version %s are known to blkid too', (version) => {
    const folder = mkdtempSync(join(tmpdir(), 'guestkit-md-'));
    try {
      const array = member(content(DATA_BYTES), { level: 1, members: 1, place: 0, version });
      const bytes = Buffer.concat([array, Buffer.alloc(2 ** 20)]);
      writeFileSync(join(folder, 'member'), bytes);
      const answer = execFileSync('blkid', ['-p', '-o', 'value', '-s', 'TYPE', '-s', 'UUID', join(folder, 'member')]);
      const { volumes } = openDisk(new MemorySource(bytes), { references: denyReferences });
      expect([volumes[0]?.signature?.type, volumes[0]?.signature?.uuid].sort()).toEqual(
        answer.toString().trim().split('\n').sort(),
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** Chunks dealt to two members in turn. */
function rowsOf(rows: number): readonly string[] {
  return Array.from({ length: rows }, (_, row) => `${2 * row} ${2 * row + 1}`);
}

function partitioned(parts: readonly Buffer[]): Buffer {
  const table = Buffer.alloc(2 ** 20);
  table.writeUInt16LE(0xaa55, 510);
  let start = table.length;
  for (const [index, part] of parts.entries()) {
    table.writeUInt8(0xfd, 450 + index * 16);
    table.writeUInt32LE(start / 512, 454 + index * 16);
    table.writeUInt32LE(part.length / 512, 458 + index * 16);
    start += part.length;
  }
  return Buffer.concat([table, ...parts]);
}

describe.skipIf(corpusAbsent)('the RAID member of the corpus', () => {
  test('is an array of level 1, of which one member will do', () => {
    const disk = openDisk(new MemorySource(readCorpus('volumes/util-linux/mdraid.img.xz')), {
      references: denyReferences,
    });
    expect(disk.volumes.map(({ device, members }) => [device, members])).toEqual([
      ['/dev/sda', undefined],
      ['/dev/md127', ['/dev/sda']],
    ]);
  });
});
