import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { applyEdits, type Edit } from '../../../packages/disk/src/testing/edits.ts';
import {
  EXTENT_BYTES,
  logicalVolume,
  lvmAbsent,
  makeGroup,
  PV_START_BYTES,
  striped,
  thinMetadata,
} from '../../../packages/disk/src/testing/lvm.ts';
import { hasTool } from '../../../packages/disk/src/testing/tool.ts';
import { cheapLuks1 } from '../../../packages/disk/src/volume/luks/testing.ts';
import { lvmChecksum } from '../../../packages/disk/src/volume/lvm2/checksum.ts';
import { MDA_HEADER_BYTES, RAW_LOCN_AT } from '../../../packages/disk/src/volume/lvm2/layout.ts';
import { DATA_BYTES, type Member, member, sumOfWords } from '../../../packages/disk/src/volume/mdraid/testing.ts';
import type { Family, Seed } from '../family.ts';
import { readDisk } from '../read-disk.ts';
import { fromCorpus, MOST_SEED_BYTES } from './images.ts';

const SECTOR = 512;

/** A disk with a partition for each part: what lies on several devices is found on one image. */
function partitioned(parts: readonly Uint8Array[]): Buffer {
  const table = Buffer.alloc(SECTOR * 8);
  table.writeUInt16LE(0xaa55, 510);
  let start = table.length / SECTOR;
  for (const [index, part] of parts.entries()) {
    table.writeUInt8(0x83, 450 + index * 16);
    table.writeUInt32LE(start, 454 + index * 16);
    table.writeUInt32LE(part.length / SECTOR, 458 + index * 16);
    start += part.length / SECTOR;
  }
  return Buffer.concat([table, ...parts]);
}

const ARRAYS: Readonly<Record<string, readonly Omit<Member, 'place'>[]>> = {
  mirror: [
    { level: 1, members: 2, version: '1.0' },
    { level: 1, members: 2, version: '1.0' },
  ],
  stripes: [
    { level: 0, members: 2, version: '0.90' },
    { level: 0, members: 2, version: '0.90' },
  ],
  parity: [1, 2, 3].map(() => ({ level: 5, layout: 2, members: 3 })),
  degraded: [1, 2, 3].map(() => ({ level: 6, layout: 2, members: 4, version: '1.1' })),
  ten: [1, 2, 3].map(() => ({ level: 10, layout: 0x102, members: 4 })),
  linear: [1, 2].map(() => ({ level: -1, members: 2 })),
};

export const MDRAID: Family = {
  name: 'mdraid',
  seeds: () => [
    ...Object.entries(ARRAYS).map(([name, plans]): Seed => {
      const content = Buffer.alloc(DATA_BYTES, name);
      return { name, bytes: partitioned(plans.map((plan, place) => member(content, { ...plan, place }))) };
    }),
    ...fromCorpus('volumes/util-linux/mdraid.img.xz'),
  ],
  read: readDisk,
  seal: sealSuperblocks,
};

/** Every superblock of either version, wherever it is. */
function sealSuperblocks(bytes: Uint8Array): readonly Edit[] {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const edits: Edit[] = [];
  for (let at = 0; at + 4096 <= image.length; at += SECTOR) {
    if (image.readUInt32LE(at) !== 0xa92b4efc) continue;
    const isNew = image.readUInt32LE(at + 4) === 1;
    const roles = Math.min(image.readUInt32LE(at + 220), 1920);
    const block = Buffer.from(image.subarray(at, at + (isNew ? 256 + 2 * roles + ((2 * roles) % 4) : 4096)));
    const sumAt = isNew ? 216 : 152;
    block.writeUInt32LE(0, sumAt);
    const sum = Buffer.alloc(4);
    sum.writeUInt32LE(sumOfWords(block.subarray(0, block.length - (block.length % 4))));
    edits.push({ at: at + sumAt, bytes: sum });
  }
  return edits;
}

export const LVM2: Family = {
  name: 'lvm2',
  seeds: () => [
    ...(lvmAbsent === undefined ? lvmSeeds() : []),
    ...fromCorpus('volumes/dfvfs/lvm.raw.xz', 'volumes/util-linux/lvm2.img.xz'),
  ],
  read: readDisk,
  seal: sealLvm,
};

function lvmSeeds(): Seed[] {
  const both = [0, 1].map((pv) => [`pv${pv}`, 0] as const);
  const segments = [striped(0, 2, both, 128), striped(2, 1, [['pv0', 1]])];
  const several = makeGroup({ physicalExtents: [2, 2], logicalVolumes: logicalVolume('data', segments) });
  return [
    { name: 'striped', bytes: partitioned(several) },
    { name: 'snapshot', bytes: snapshot() },
    ...(hasTool('thin_restore') ? [{ name: 'thin', bytes: thin() }] : []),
  ];
}

function snapshot(): Buffer {
  const hidden =
    'start_extent = 0\nextent_count = 1\ntype = "snapshot"\nchunk_size = 8\norigin = "data"\ncow_store = "snap"';
  const logicalVolumes = [
    logicalVolume('data', [striped(0, 1, [['pv0', 0]])]),
    logicalVolume('snap', [striped(0, 1, [['pv0', 1]])]),
    logicalVolume('snapshot0', [hidden], { visible: false }),
  ].join('');
  const [volume = Buffer.alloc(0)] = makeGroup({ physicalExtents: [2], logicalVolumes });
  const store = volume.subarray(PV_START_BYTES + EXTENT_BYTES);
  store.write('SnAp');
  for (const [at, value] of [
    [4, 1],
    [8, 1],
    [12, 8],
    [4096, 5],
    [4104, 2],
    [4112, 30],
    [4120, 3],
  ] as const) {
    store.writeUInt32LE(value, at);
  }
  return volume;
}

function thin(): Buffer {
  const pool =
    'start_extent = 0\nextent_count = 1\ntype = "thin-pool"\nmetadata = "pool_tmeta"\npool = "pool_tdata"\ntransaction_id = 1\nchunk_size = 128\ndiscards = "passdown"\nzero_new_blocks = 1';
  const volume =
    'start_extent = 0\nextent_count = 4\ntype = "thin"\nthin_pool = "pool"\ntransaction_id = 0\ndevice_id = 7';
  const logicalVolumes = [
    logicalVolume('pool', [pool]),
    logicalVolume('pool_tdata', [striped(0, 1, [['pv0', 0]])], { visible: false }),
    logicalVolume('pool_tmeta', [striped(0, 4, [['pv0', 1]])], { visible: false }),
    logicalVolume('thin', [volume]),
  ].join('');
  const [physical = Buffer.alloc(0)] = makeGroup({ physicalExtents: [5], logicalVolumes });
  const metadata = thinMetadata(
    [
      [0, 3],
      [1, 2],
      [40, 9],
    ],
    7,
  );
  physical.set(metadata, PV_START_BYTES + EXTENT_BYTES);
  return physical;
}

/** `LABE`, and ` LVM`. */
const LABEL_START = 0x4c414245;
const MAGIC_START = 0x204c564d;

/** Labels, headers of metadata areas and their text, in every partition that has them. */
function sealLvm(bytes: Uint8Array): readonly Edit[] {
  const image = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const edits: Edit[] = [];
  for (let at = 0; at + SECTOR <= image.length; at += SECTOR) {
    const start = image.readUInt32BE(at);
    if (start === LABEL_START) edits.push(word(at + 16, lvmChecksum(bytes.subarray(at + 20, at + SECTOR))));
    if (image.readUInt32BE(at + 4) === MAGIC_START) edits.push(sealedArea(image, at));
  }
  return edits;
}

function sealedArea(image: Buffer, at: number): Edit {
  const header = Buffer.from(image.subarray(at, at + MDA_HEADER_BYTES));
  const start = at + Number(header.readBigUInt64LE(RAW_LOCN_AT));
  const size = Number(header.readBigUInt64LE(RAW_LOCN_AT + 8));
  if (start + size <= image.length)
    header.writeUInt32LE(lvmChecksum(image.subarray(start, start + size)), RAW_LOCN_AT + 16);
  header.writeUInt32LE(lvmChecksum(header.subarray(4)), 0);
  return { at, bytes: header };
}

function word(at: number, value: number): Edit {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return { at, bytes };
}

const PASSPHRASE = 'correct horse';

export const LUKS: Family = {
  name: 'luks',
  seeds: () => [
    { name: 'luks1', bytes: cheapLuks1(Buffer.alloc(8192, 'plain'), Buffer.from(PASSPHRASE)) },
    ...madeByCryptsetup(),
    ...fromCorpus(
      'volumes/cryptsetup/luks2_valid_hdr.img.xz',
      'volumes/util-linux/luks1.img.xz',
      'malformed/cryptsetup/*',
    ),
  ],
  read: (source, surroundings) => readDisk(source, surroundings, [Buffer.from(PASSPHRASE)]),
  seal: sealLuks2,
  tame: tameDerivations,
};

function madeByCryptsetup(): Seed[] {
  if (!hasTool('cryptsetup')) return [];
  const cwd = mkdtempSync(path.join(tmpdir(), 'guestkit-fuzz-'));
  try {
    writeFileSync(path.join(cwd, 'key'), PASSPHRASE);
    writeFileSync(path.join(cwd, 'luks2'), Buffer.alloc(MOST_SEED_BYTES / 4));
    const sizes = ['--luks2-metadata-size', '16k', '--luks2-keyslots-size', '256k', '--offset', '1024'];
    const cheap = ['--pbkdf', 'pbkdf2', '--pbkdf-force-iterations', '1000'];
    execFileSync('cryptsetup', ['luksFormat', '-q', '--type', 'luks2', ...sizes, ...cheap, 'luks2', 'key'], {
      cwd,
      stdio: 'pipe',
    });
    return [{ name: 'luks2', bytes: tamed(readFileSync(path.join(cwd, 'luks2'))) }];
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

function tamed(volume: Uint8Array): Uint8Array {
  applyEdits(volume, tameDerivations(volume));
  applyEdits(volume, sealLuks2(volume));
  return volume;
}

/** The digest of each header of LUKS2, at the places they may be. */
function sealLuks2(bytes: Uint8Array): readonly Edit[] {
  return [0, 0x4000, 0x8000].flatMap((at) => {
    const head = Buffer.from(bytes.subarray(at, at + 16));
    if (head.length < 16 || !['LUKS', 'SKUL'].includes(head.toString('latin1', 0, 4)) || head.readUInt16BE(6) !== 2)
      return [];
    const size = Number(head.readBigUInt64BE(8));
    if (size > 2 ** 20 || at + size > bytes.length || size < 512) return [];
    const area = Buffer.from(bytes.subarray(at, at + size)).fill(0, 448, 512);
    return [{ at: at + 448, bytes: createHash('sha256').update(area).digest() }];
  });
}

/** Fields of LUKS1, and what is the most that they may say here. */
const COSTS = [
  [164, 2000],
  ...Array.from({ length: 8 }, (_, slot) => [212 + slot * 48, 2000] as const),
  ...Array.from({ length: 8 }, (_, slot) => [252 + slot * 48, 8] as const),
] as const;

/** Iterations and stripes: to derive keys is slow on purpose, and the bounds of it have tests of their own. */
function tameDerivations(bytes: Uint8Array): readonly Edit[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isFirst = bytes.length > 592 && view.getUint16(6) === 1;
  const binary = COSTS.filter(([at, most]) => isFirst && view.getUint32(at) > most).map(([at, most]): Edit => {
    return { at, bytes: Uint8Array.of(0, 0, most >> 8, most) };
  });
  const text = Buffer.from(bytes.subarray(0, 64 * 1024)).toString('latin1');
  const written = text.matchAll(/("(?:iterations|time|memory|cpus|stripes)":\s*)([-+.\deE]{3,})/g);
  return [
    ...binary,
    ...[...written].map(({ index, 1: name = '', 2: digits = '' }): Edit => {
      return { at: index + name.length, bytes: Buffer.from('9'.padEnd(digits.length)) };
    }),
  ];
}
