import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import type { ByteSource } from '../../source/byte-source.ts';
import { FileSource } from '../../source/file-source.ts';
import { expectBytes, QemuFolder } from '../../testing/qemu.ts';
import type { DiskImage } from '../image.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';
import { LOG_SECTOR, MIB, REGION } from './layout.ts';
import {
  BAT_AT,
  batOf,
  buildVhdx,
  guidBytes,
  HEADERS,
  LOG_AT,
  type LogEntryRecipe,
  logOf,
  METADATA_AT,
  seal,
  type VhdxRecipe,
} from './testing.ts';

const folder = new QemuFolder();

afterAll(() => folder.remove());

function open(source: ByteSource): DiskImage {
  return openImage(source, { claimedFormat: 'vhdx', references: denyReferences });
}

/** Blocks that no table names yet: each begins with its number. */
const BLOCKS = new Map([4, 5, 6, 7].map((mib) => [mib, Buffer.alloc(LOG_SECTOR, mib)]));

function build(log: readonly LogEntryRecipe[], recipe: VhdxRecipe = {}) {
  return buildVhdx({ blocks: BLOCKS, log, ...recipe });
}

/** A write that gives the first blocks of the disk a place. */
function blocksAt(...mibs: readonly number[]) {
  const bat = new Map(mibs.map((mib, index) => [index, [6, mib] as const]));
  return { offset: BAT_AT, content: batOf({ bat }).subarray(0, LOG_SECTOR) };
}

/** How the first three blocks of the disk begin: 0 for one that is not there. */
function starts(source: ByteSource): readonly (number | undefined)[] {
  const image = open(source);
  return [0, 1, 2].map((block) => image.read(block * MIB, 1)[0]);
}

describe('the log of a VHDX', () => {
  test('is replayed: what it alone knows is read', () => {
    const { source } = build([{ at: 0, sequence: 1, writes: [blocksAt(4, 5)] }]);
    expect(starts(source)).toEqual([4, 5, 0]);
    expect(open(source).facts).toMatchObject({
      details: { replayed_log_entries: 1 },
      warnings: [expect.stringContaining('file was not closed: 1 entries')],
    });
  });

  test('is not looked at when the file was closed', () => {
    const { pieces, sizeBytes } = build([]);
    const stale = logOf([{ at: 0, sequence: 1, writes: [blocksAt(4)] }], sizeBytes / MIB);
    expect(starts(build([]).with(LOG_AT, stale).source)).toEqual([0, 0, 0]);
    expect(pieces.has(LOG_AT)).toBe(false);
  });

  test('leaves whole sectors as they were, their first and last bytes too', () => {
    const sector = Buffer.from(Array.from({ length: LOG_SECTOR }, (_, index) => (index * 7) & 0xff));
    const writes = [blocksAt(4), { offset: 4 * MIB + 8192, content: sector }];
    const image = open(build([{ at: 0, sequence: 1, writes }]).source);
    expect(image.read(8192, LOG_SECTOR)).toEqual(new Uint8Array(sector));
  });

  test('is applied in order: a later entry covers an earlier one', () => {
    const { source } = build([
      { at: 0, sequence: 7, writes: [blocksAt(4, 4, 4)] },
      { at: 2, sequence: 8, tail: 0, writes: [blocksAt(5, 6)] },
    ]);
    expect(starts(source)).toEqual([5, 6, 0]);
  });

  test('can make long runs zero', () => {
    const writes = [blocksAt(4, 5, 6), { offset: 5 * MIB, content: 2 * MIB }];
    expect(starts(build([{ at: 0, sequence: 1, writes }]).source)).toEqual([4, 0, 0]);
  });

  test('goes on at its start when it reaches its end', () => {
    const last = MIB / LOG_SECTOR - 1;
    const { source } = build([
      // the header of the second one is in the last sector, its data in the first
      { at: last - 2, sequence: 40, writes: [blocksAt(4)] },
      { at: last, sequence: 41, tail: last - 2, writes: [blocksAt(4, 5)] },
      { at: 1, sequence: 42, tail: last - 2, writes: [blocksAt(4, 5, 6)] },
    ]);
    expect(starts(source)).toEqual([4, 5, 6]);
    expect(open(source).facts.details.replayed_log_entries).toBe(3);
  });

  test('is replayed from the tail that its last entry names', () => {
    const { source } = build([
      { at: 0, sequence: 1, writes: [{ offset: METADATA_AT, content: 65_536 }] },
      { at: 1, sequence: 2, tail: 1, writes: [blocksAt(4)] },
    ]);
    expect(starts(source)).toEqual([4, 0, 0]);
    expect(open(source).facts.details.replayed_log_entries).toBe(1);
  });

  test('ends before an entry that was cut off while it was written', () => {
    const file = build([
      { at: 0, sequence: 1, writes: [blocksAt(4)] },
      { at: 2, sequence: 2, tail: 0, writes: [blocksAt(5)] },
    ]);
    const log = Buffer.from(file.pieces.get(LOG_AT) ?? []);
    log.fill(0, 3 * LOG_SECTOR, 4 * LOG_SECTOR);
    expect(starts(file.with(LOG_AT, log).source)).toEqual([4, 0, 0]);
  });

  test('ends before what is left of an older round', () => {
    const { source } = build([
      { at: 0, sequence: 300, writes: [blocksAt(4)] },
      { at: 2, sequence: 44, tail: 2, writes: [blocksAt(5)] },
    ]);
    expect(starts(source)).toEqual([4, 0, 0]);
  });

  test('knows its entries from those of another log', () => {
    const file = build([
      { at: 0, sequence: 1, writes: [blocksAt(4)] },
      { at: 2, sequence: 2, tail: 0, writes: [blocksAt(5)] },
    ]);
    const changed = file.edited((log) => log.fill(0x66, 2 * LOG_SECTOR + 32, 2 * LOG_SECTOR + 48), LOG_AT);
    expect(starts(changed.source)).toEqual([4, 0, 0]);
  });

  test('may have many descriptors, in more sectors than one', () => {
    const writes = Array.from({ length: 200 }, () => ({ offset: 7 * MIB, content: LOG_SECTOR }));
    const { source } = build([{ at: 0, sequence: 1, writes: [...writes, blocksAt(4, 7)] }]);
    expect(starts(source)).toEqual([4, 0, 0]);
  });

  test('may make the file longer', () => {
    const { source } = build([{ at: 0, sequence: 1, lastMib: 10, flushedMib: 8, writes: [blocksAt(9)] }]);
    expect(open(source).read(0, 3)).toEqual(new Uint8Array(3));
  });

  test('tells of a file that was cut short', () => {
    const { source } = build([{ at: 0, sequence: 1, flushedMib: 9, writes: [blocksAt(4)] }]);
    expect(() => open(source)).toThrow(expect.objectContaining({ kind: 'corrupt', offset: 8 * MIB }));
  });

  test('is refused when no sequence of it is whole', () => {
    const torn = build([{ at: 0, sequence: 1, writes: [blocksAt(4)] }]);
    const log = Buffer.from(torn.pieces.get(LOG_AT) ?? []);
    log.writeUInt8(1, LOG_SECTOR + 100);
    expect(() => open(torn.with(LOG_AT, log).source)).toThrow('no whole sequence of entries');
    const noTail = build([{ at: 4, sequence: 9, tail: 0, writes: [blocksAt(4)] }]);
    expect(() => open(noTail.source)).toThrow('no whole sequence of entries');
  });
});

describe('the log of a VHDX that qemu left', () => {
  /** What the disk holds after qemu replayed the log. */
  function repaired(name: string): Buffer {
    copyFileSync(folder.file(name), folder.file('repaired.vhdx'));
    folder.img('check', '-f', 'vhdx', '-r', 'all', 'repaired.vhdx');
    return folder.bytesOf('vhdx', 'repaired.vhdx');
  }

  test('when it was killed is replayed as qemu replays it', () => {
    folder.img('create', '-f', 'vhdx', '-o', 'block_size=1M,block_state_zero=off', 'killed.vhdx', '12M');
    const commands = ['-c', 'write -P 3 5M 1M', '-c', 'abort'];
    spawnSync('qemu-io', ['-f', 'vhdx', ...commands, 'killed.vhdx'], { cwd: folder.path });
    const file = readFileSync(folder.file('killed.vhdx'));
    // qemu had come as far as applying the entry, and taking its log out of the headers: back to before that
    const bat = file.indexOf(guidBytes(REGION.bat), HEADERS.regions);
    const batAt = file.readUInt32LE(bat + 16);
    file.fill(0, batAt, batAt + LOG_SECTOR);
    for (const at of [HEADERS.first, HEADERS.second]) {
      file.copy(file, at + 48, LOG_AT + 32, LOG_AT + 48);
      seal(file.subarray(at, at + 4096));
    }
    writeFileSync(folder.file('killed.vhdx'), file);
    const image = open(FileSource.open(folder.file('killed.vhdx')));
    expect(image.facts.details.replayed_log_entries).toBe(1);
    const answer = repaired('killed.vhdx');
    expect(answer.indexOf(3)).toBe(5 * MIB);
    expectBytes(image, answer);
  });

  test('made by hand is replayed as qemu replays it', () => {
    const { source } = build([
      { at: 250, sequence: 7, writes: [blocksAt(4, 4, 4)] },
      { at: 252, sequence: 8, tail: 250, writes: [blocksAt(5, 6), { offset: 6 * MIB, content: 8192 }] },
      {
        at: 254,
        sequence: 9,
        tail: 250,
        writes: [{ offset: 6 * MIB + 4096, content: Buffer.alloc(LOG_SECTOR, 0xee) }],
      },
    ]);
    writeFileSync(folder.file('by-hand.vhdx'), source.read(0, source.sizeBytes));
    expectBytes(open(source), repaired('by-hand.vhdx'));
  });
});
