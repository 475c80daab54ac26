import { describe, expect, test } from 'vitest';
import type { Volume } from '../../disk.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus } from '../../testing/corpus.ts';
import {
  EXTENT_BYTES,
  logicalVolume,
  lvmAbsent,
  makeGroup,
  PV_START_BYTES,
  striped,
  thinMetadata,
} from '../../testing/lvm.ts';
import { misbehaviour, mutate, seededRandom } from '../../testing/mutation.ts';
import { hasTool } from '../../testing/tool.ts';
import type { LayerOutcome } from '../layer.ts';
import { assembleGroups } from './layer.ts';

function content(sizeBytes: number, seed: number): Buffer {
  const random = seededRandom(seed);
  const bytes = Buffer.alloc(sizeBytes);
  for (let at = 0; at + 4 <= sizeBytes; at += 4) bytes.writeUInt32LE(random(2 ** 32), at);
  return bytes;
}

function volumesOf(physical: readonly Uint8Array[]): Volume[] {
  return physical.map((bytes, index) => ({
    device: `/dev/sda${index + 1}`,
    source: new MemorySource(bytes),
    partition: undefined,
    signature: { type: 'LVM2_member', label: undefined, uuid: undefined },
    fileSystem: undefined,
    error: undefined,
  }));
}

function assemble(physical: readonly Uint8Array[]): ReadonlyMap<string, LayerOutcome> {
  return new Map(assembleGroups(volumesOf(physical)).map((outcome) => [outcome.device, outcome]));
}

function read(outcomes: ReadonlyMap<string, LayerOutcome>, device: string): Uint8Array {
  const outcome = outcomes.get(device);
  if (outcome === undefined || 'error' in outcome) throw outcome?.error ?? new Error(`no ${device}`);
  return outcome.source.read(0, outcome.source.sizeBytes);
}

function put(physical: Buffer[], pv: number, extent: number, bytes: Uint8Array): void {
  physical[pv]?.set(bytes, PV_START_BYTES + extent * EXTENT_BYTES);
}

/** Deals chunks in turn, as the tables of stripes say. */
function deal(bytes: Buffer, stripes: number, chunkBytes: number): Buffer[] {
  const parts = Array.from({ length: stripes }, () => [] as Buffer[]);
  for (let at = 0, chunk = 0; at < bytes.length; at += chunkBytes, chunk++) {
    parts[chunk % stripes]?.push(bytes.subarray(at, at + chunkBytes));
  }
  return parts.map((part) => Buffer.concat(part));
}

const MiB = 2 ** 20;

describe.skipIf(lvmAbsent !== undefined)('logical volumes written by LVM', () => {
  test('of several segments on several physical volumes are read in order', () => {
    const segments = [striped(0, 2, [['pv1', 3]]), striped(2, 3, [['pv0', 0]]), striped(5, 1, [['pv1', 0]])];
    const physical = makeGroup({ physicalExtents: [8, 8], logicalVolumes: logicalVolume('data', segments) });
    const bytes = content(6 * MiB, 1);
    put(physical, 1, 3, bytes.subarray(0, 2 * MiB));
    put(physical, 0, 0, bytes.subarray(2 * MiB, 5 * MiB));
    put(physical, 1, 0, bytes.subarray(5 * MiB));
    const outcomes = assemble(physical);
    expect([...outcomes.keys()]).toEqual(['/dev/vg/data']);
    expect(outcomes.get('/dev/vg/data')?.members).toEqual(['/dev/sda1', '/dev/sda2']);
    expect(bytes.equals(read(outcomes, '/dev/vg/data'))).toBe(true);
  });

  test('that are striped are read chunk by chunk', () => {
    const stripes = [0, 1, 2].map((pv) => [`pv${pv}`, 1] as const);
    const volume = logicalVolume('data', [striped(0, 6, stripes, 128)]);
    const physical = makeGroup({ physicalExtents: [4, 4, 4], logicalVolumes: volume });
    const bytes = content(6 * MiB, 2);
    for (const [pv, part] of deal(bytes, 3, 64 * 1024).entries()) put(physical, pv, 1, part);
    expect(bytes.equals(read(assemble(physical), '/dev/vg/data'))).toBe(true);
  });

  test('say which physical volume is missing, and open where none is', () => {
    const logicalVolumes =
      logicalVolume('whole', [striped(0, 1, [['pv0', 0]])]) + logicalVolume('partial', [striped(0, 2, [['pv1', 0]])]);
    const [first] = makeGroup({ physicalExtents: [4, 4], logicalVolumes });
    const outcomes = assemble(first === undefined ? [] : [first]);
    expect(read(outcomes, '/dev/vg/whole')).toHaveLength(MiB);
    expect(outcomes.get('/dev/vg/partial')).toMatchObject({
      error: { kind: 'unsupported', message: expect.stringContaining('"pv1" is missing') },
    });
  });

  test('follow the newest metadata, wherever it is', () => {
    const volume = (name: string) => logicalVolume(name, [striped(0, 1, [['pv0', 0]])]);
    const [old] = makeGroup({ physicalExtents: [4, 4], logicalVolumes: volume('before'), sequence: 3 });
    const [, newer] = makeGroup({ physicalExtents: [4, 4], logicalVolumes: volume('after'), sequence: 9 });
    if (old === undefined || newer === undefined) throw new Error('no volumes');
    expect([...assemble([old, newer]).keys()]).toEqual(['/dev/vg/after']);
  });

  test.each(['raid1', 'mirror'])('of type %s are read from a leg that is there', (type) => {
    const images = [0, 1].map((n) =>
      logicalVolume(`data_${type === 'raid1' ? 'r' : 'm'}image_${n}`, [striped(0, 2, [[`pv${n}`, 0]])], {
        visible: false,
      }),
    );
    const metas = [0, 1].map((n) =>
      logicalVolume(`data_rmeta_${n}`, [striped(0, 1, [[`pv${n}`, 2]])], { visible: false }),
    );
    const terms =
      type === 'raid1'
        ? 'type = "raid1"\ndevice_count = 2\nregion_size = 1024\nraids = ["data_rmeta_0", "data_rimage_0", "data_rmeta_1", "data_rimage_1"]'
        : 'type = "mirror"\nmirror_count = 2\nregion_size = 1024\nmirrors = ["data_mimage_0", 0, "data_mimage_1", 0]';
    const own = logicalVolume('data', [`start_extent = 0\nextent_count = 2\n${terms}`]);
    const logicalVolumes = [own, ...images, ...(type === 'raid1' ? metas : [])].join('');
    const physical = makeGroup({ physicalExtents: [4, 4], logicalVolumes });
    const bytes = content(2 * MiB, 3);
    put(physical, 0, 0, bytes);
    put(physical, 1, 0, bytes);
    expect(bytes.equals(read(assemble(physical), '/dev/vg/data'))).toBe(true);
    expect(bytes.equals(read(assemble(physical.slice(1)), '/dev/vg/data'))).toBe(true);
  });

  test('of RAID 5 are read, and computed where an image is missing', () => {
    const images = [0, 1, 2].map((n) =>
      logicalVolume(`data_rimage_${n}`, [striped(0, 2, [[`pv${n}`, 0]])], { visible: false }),
    );
    const metas = [0, 1, 2].map((n) =>
      logicalVolume(`data_rmeta_${n}`, [striped(0, 1, [[`pv${n}`, 2]])], { visible: false }),
    );
    const names = [0, 1, 2].map((n) => `"data_rmeta_${n}", "data_rimage_${n}"`).join(', ');
    const own = logicalVolume('data', [
      `start_extent = 0\nextent_count = 4\ntype = "raid5_ls"\ndevice_count = 3\nstripe_size = 128\nregion_size = 1024\nraids = [${names}]`,
    ]);
    const physical = makeGroup({ physicalExtents: [4, 4, 4], logicalVolumes: [own, ...images, ...metas].join('') });
    const bytes = content(4 * MiB, 4);
    // left symmetric, as drawn in every book: the parity goes from the last to the first, data starts behind it
    const chunk = 64 * 1024;
    for (let row = 0; row * 2 * chunk < bytes.length; row++) {
      const [a, b] = [
        bytes.subarray(row * 2 * chunk, (row * 2 + 1) * chunk),
        bytes.subarray((row * 2 + 1) * chunk, (row * 2 + 2) * chunk),
      ];
      const parity = [2, 1, 0][row % 3] ?? 0;
      const at = PV_START_BYTES + row * chunk;
      physical[parity]?.set(
        a.map((byte, index) => byte ^ (b[index] ?? 0)),
        at,
      );
      physical[(parity + 1) % 3]?.set(a, at);
      physical[(parity + 2) % 3]?.set(b, at);
    }
    expect(bytes.equals(read(assemble(physical), '/dev/vg/data'))).toBe(true);
    for (const missing of [0, 1, 2]) {
      const rest = physical.filter((_, index) => index !== missing);
      expect(bytes.equals(read(assemble(rest), '/dev/vg/data'))).toBe(true);
    }
    expect(assemble(physical.slice(2)).get('/dev/vg/data')).toMatchObject({ error: { kind: 'unsupported' } });
  });

  test('with a cache that may be ahead of them are refused, with one that is not are read', () => {
    const build = (mode: string) => {
      const pool = logicalVolume(
        'pool',
        [
          `start_extent = 0\nextent_count = 1\ntype = "cache-pool"\ndata = "pool_cdata"\nmetadata = "pool_cmeta"\nchunk_size = 128\nmetadata_format = 2\ncache_mode = "${mode}"\npolicy = "smq"`,
        ],
        { visible: false },
      );
      const parts = [
        logicalVolume('pool_cdata', [striped(0, 1, [['pv0', 2]])], { visible: false }),
        logicalVolume('pool_cmeta', [striped(0, 1, [['pv0', 3]])], { visible: false }),
        logicalVolume('data_corig', [striped(0, 2, [['pv0', 0]])], { visible: false }),
      ];
      const own = logicalVolume('data', [
        'start_extent = 0\nextent_count = 2\ntype = "cache"\ncache_pool = "pool"\norigin = "data_corig"',
      ]);
      return makeGroup({ physicalExtents: [8], logicalVolumes: [own, pool, ...parts].join('') });
    };
    expect(assemble(build('writeback')).get('/dev/vg/data')).toMatchObject({
      error: { kind: 'unsupported', message: expect.stringContaining('writeback') },
    });
    const through = build('writethrough');
    const bytes = content(2 * MiB, 5);
    put(through, 0, 0, bytes);
    expect(bytes.equals(read(assemble(through), '/dev/vg/data'))).toBe(true);
  });

  test('that are old snapshots show their origin as it was', () => {
    const logicalVolumes = [
      logicalVolume('data', [striped(0, 2, [['pv0', 0]])]),
      logicalVolume('snap', [striped(0, 1, [['pv0', 2]])]),
      logicalVolume(
        'snapshot0',
        ['start_extent = 0\nextent_count = 2\ntype = "snapshot"\nchunk_size = 8\norigin = "data"\ncow_store = "snap"'],
        { visible: false },
      ),
    ].join('');
    const physical = makeGroup({ physicalExtents: [4], logicalVolumes });
    const now = content(2 * MiB, 6);
    const before = Buffer.from(now);
    const kept = content(2 * 4096, 7);
    // chunks 5 and 300 of the origin were kept in chunks 2 and 3 of the store, which dm-snapshot writes behind header and exceptions
    kept.copy(before, 5 * 4096, 0, 4096);
    kept.copy(before, 300 * 4096, 4096);
    const store = Buffer.alloc(MiB);
    store.write('SnAp', 0, 'latin1');
    store.writeUInt32LE(1, 4);
    store.writeUInt32LE(1, 8);
    store.writeUInt32LE(8, 12);
    for (const [index, [from, to]] of [
      [5, 2],
      [300, 3],
    ].entries()) {
      store.writeBigUInt64LE(BigInt(from ?? 0), 4096 + index * 16);
      store.writeBigUInt64LE(BigInt(to ?? 0), 4096 + index * 16 + 8);
    }
    kept.copy(store, 2 * 4096);
    put(physical, 0, 0, now);
    put(physical, 0, 2, store);
    const outcomes = assemble(physical);
    expect([...outcomes.keys()].sort()).toEqual(['/dev/vg/data', '/dev/vg/snap']);
    expect(now.equals(read(outcomes, '/dev/vg/data'))).toBe(true);
    expect(before.equals(read(outcomes, '/dev/vg/snap'))).toBe(true);
  });

  test.skipIf(!hasTool('thin_restore'))('that are thin are read through the tree of their pool', () => {
    const logicalVolumes = [
      logicalVolume('pool', [
        'start_extent = 0\nextent_count = 4\ntype = "thin-pool"\nmetadata = "pool_tmeta"\npool = "pool_tdata"\ntransaction_id = 1\nchunk_size = 128\ndiscards = "passdown"\nzero_new_blocks = 1',
      ]),
      logicalVolume('pool_tdata', [striped(0, 4, [['pv0', 0]])], { visible: false }),
      logicalVolume('pool_tmeta', [striped(0, 4, [['pv0', 4]])], { visible: false }),
      logicalVolume('thin', [
        'start_extent = 0\nextent_count = 40\ntype = "thin"\nthin_pool = "pool"\ntransaction_id = 0\ndevice_id = 7',
      ]),
    ].join('');
    const physical = makeGroup({ physicalExtents: [10], logicalVolumes });
    const block = 64 * 1024;
    const mappings = [
      [0, 3],
      [1, 2],
      [2, 0],
      [100, 9],
      [639, 20],
    ] as const;
    const data = content(4 * MiB, 8);
    put(physical, 0, 0, data);
    put(physical, 0, 4, thinMetadata(mappings, 7));
    const expected = Buffer.alloc(40 * MiB);
    for (const [virtual, real] of mappings) data.copy(expected, virtual * block, real * block, (real + 1) * block);
    const outcomes = assemble(physical);
    expect([...outcomes.keys()]).toEqual(['/dev/vg/thin']);
    expect(expected.equals(read(outcomes, '/dev/vg/thin'))).toBe(true);
  });

  test('never end in anything but a DiskError, whatever is changed', () => {
    const logicalVolumes = logicalVolume('data', [
      striped(
        0,
        2,
        [
          ['pv0', 0],
          ['pv1', 0],
        ],
        128,
      ),
    ]);
    const physical = makeGroup({ physicalExtents: [2, 2], logicalVolumes });
    const [first, second] = physical;
    if (first === undefined || second === undefined) throw new Error('no volumes');
    const random = seededRandom(9);
    for (let round = 0; round < 400; round++) {
      const mutated = mutate(
        first,
        [
          [512, 700],
          [4096, 8192],
        ],
        random,
      );
      expect(misbehaviour(() => assemble([mutated, second]))).toBeUndefined();
    }
  });
});

describe.skipIf(corpusAbsent)('the LVM volume of the corpus', () => {
  test('shows its two logical volumes', () => {
    const disk = openDisk(new MemorySource(readCorpus('volumes/dfvfs/lvm.raw.xz')), { references: denyReferences });
    const logical = disk.volumes.filter(({ members }) => members !== undefined);
    expect(logical.map(({ device, signature }) => [device, signature?.type])).toEqual([
      ['/dev/test_volume_group/test_logical_volume1', 'ext2'],
      ['/dev/test_volume_group/test_logical_volume2', undefined],
    ]);
  });
});
