import { crc32c } from '../../../packages/disk/src/crc32c.ts';
import { BLOCK_FREE } from '../../../packages/disk/src/image/vdi/layout.ts';
import { vdi } from '../../../packages/disk/src/image/vdi/testing.ts';
import { FOOTER_CHECKSUM_AT, HEADER_CHECKSUM_AT, SECTOR_SIZE } from '../../../packages/disk/src/image/vhd/layout.ts';
import { buildVhd } from '../../../packages/disk/src/image/vhd/testing.ts';
import { CHECKSUM_AT, LOG_SECTOR, MIB } from '../../../packages/disk/src/image/vhdx/layout.ts';
import { buildVhdx, HEADERS, LOG_AT, type VhdxFile } from '../../../packages/disk/src/image/vhdx/testing.ts';
import { cowd, descriptor, seSparse, stream } from '../../../packages/disk/src/image/vmdk/testing.ts';
import type { Edit } from '../../../packages/disk/src/testing/edits.ts';
import type { Family, Seed } from '../family.ts';
import { readDisk } from '../read-disk.ts';
import { fromCorpus, madeByQemu } from './images.ts';

const QCOW2_OPTIONS = [
  ['', ''],
  ['cluster_size=512', ''],
  ['cluster_size=4k', '-c'],
  ['cluster_size=4k,compression_type=zstd', '-c'],
  ['compat=0.10', ''],
  ['cluster_size=16k,extended_l2=on', ''],
  ['cluster_size=4k,preallocation=metadata', ''],
] as const;

export const QCOW2: Family = {
  name: 'qcow2',
  seeds: () => [...madeByQemu(qcow2Seeds), ...fromCorpus('formats/**/*.qcow2*', 'malformed/**/*.qcow2')],
  read: readDisk,
};

function qcow2Seeds(
  folder: Parameters<Parameters<typeof madeByQemu>[0]>[0],
  seed: (name: string, ...files: string[]) => Seed,
): Seed[] {
  const plain = QCOW2_OPTIONS.map(([options, compress], index) => {
    const how = ['-O', 'qcow2', ...(options === '' ? [] : ['-o', options]), ...(compress === '' ? [] : [compress])];
    folder.img('convert', '-f', 'raw', ...how, 'disk.raw', `plain${index}.qcow2`);
    return seed(`plain${index}.qcow2`);
  });
  folder.img('create', '-f', 'qcow2', '-b', 'plain2.qcow2', '-F', 'qcow2', 'overlay.qcow2', '400k');
  folder.io('qcow2', 'overlay.qcow2', 'write -P 7 100k 20k', 'write -z 64k 64k');
  folder.img('create', '-f', 'qcow2', '-o', 'cluster_size=4k', 'kept.qcow2', '256k');
  folder.io('qcow2', 'kept.qcow2', 'write -P 1 0 64k');
  for (const name of ['first', 'second']) folder.img('snapshot', '-c', name, 'kept.qcow2');
  folder.img('bitmap', '--add', '-g', '4k', 'kept.qcow2', 'changed');
  folder.io('qcow2', 'kept.qcow2', 'write -P 2 32k 64k');
  folder.img('create', '-f', 'qcow2', '-o', 'data_file=data.bin', 'outside.qcow2', '256k');
  folder.io('qcow2', 'outside.qcow2', 'write -P 1 0 100k');
  return [...plain, seed('overlay.qcow2', 'plain2.qcow2'), seed('kept.qcow2'), seed('outside.qcow2', 'data.bin')];
}

const grain = (value: number, sizeBytes: number) => Buffer.alloc(sizeBytes, value);

export const VMDK: Family = {
  name: 'vmdk',
  seeds: () => [
    { name: 'cowd', bytes: cowd({ 0: grain(1, 512), 5: grain(2, 512), 4097: grain(3, 512) }, 5000) },
    { name: 'sesparse', bytes: seSparse({ 0: grain(1, 4096), 3: 2, 4: 1, 5000: grain(4, 4096) }, 65_536) },
    { name: 'stream', bytes: stream({ 0: grain(1, 8192), 2: grain(2, 8192), 600: grain(3, 8192) }, 16_384) },
    {
      name: 'descriptor',
      bytes: descriptor({ extents: ['RW 128 VMFS "flat.bin"', 'RW 64 ZERO', 'RW 128 FLAT "flat.bin" 8'] }),
      files: { 'flat.bin': grain(5, 128 * 1024) },
    },
    ...madeByQemu((folder, seed) => {
      for (const subformat of ['monolithicSparse', 'streamOptimized', 'twoGbMaxExtentSparse', 'monolithicFlat']) {
        const options = `subformat=${subformat}`;
        folder.img('convert', '-f', 'raw', '-O', 'vmdk', '-o', options, 'disk.raw', `${subformat}.vmdk`);
      }
      folder.img(
        'create',
        '-f',
        'vmdk',
        '-b',
        'monolithicSparse.vmdk',
        '-F',
        'vmdk',
        '-o',
        'zeroed_grain=on',
        'top.vmdk',
      );
      folder.io('vmdk', 'top.vmdk', 'write -P 7 100k 70k', 'write -z 0 64k');
      return [
        seed('monolithicSparse.vmdk'),
        seed('streamOptimized.vmdk'),
        seed('twoGbMaxExtentSparse.vmdk', 'twoGbMaxExtentSparse-s001.vmdk'),
        seed('monolithicFlat.vmdk', 'monolithicFlat-flat.vmdk'),
        seed('top.vmdk', 'monolithicSparse.vmdk'),
      ];
    }),
    ...fromCorpus('formats/**/*.vmdk*', 'malformed/**/*.vmdk*'),
  ],
  read: readDisk,
};

export const VHD: Family = {
  name: 'vhd',
  seeds: () => [
    { name: 'dynamic', bytes: buildVhd({ blocks: VHD_BLOCKS }) },
    {
      name: 'differencing',
      bytes: buildVhd({ type: 'differencing', uniqueId: 9, blocks: VHD_BLOCKS, parent: VHD_PARENT }),
      files: { 'base.vhd': buildVhd({ blocks: VHD_BLOCKS }) },
    },
    ...madeByQemu((folder, seed) =>
      ['dynamic', 'fixed'].map((subformat) => {
        folder.img(
          'convert',
          '-f',
          'raw',
          '-O',
          'vpc',
          '-o',
          `subformat=${subformat},force_size=on`,
          'disk.raw',
          `${subformat}.vhd`,
        );
        return seed(`${subformat}.vhd`);
      }),
    ),
    ...fromCorpus('formats/**/*.vhd.*'),
  ],
  read: readDisk,
  seal: sealVhd,
};

const VHD_PARENT = { uniqueId: 7, name: 'base.vhd', relativePath: '.\\base.vhd' };
const VHD_BLOCKS = new Map([
  [1, { sectors: [0, 1, 5], fill: 3 }],
  [4, { sectors: [2, 15], fill: 40 }],
]);

function sealVhd(bytes: Uint8Array): readonly Edit[] {
  const sums = [
    [0, 512, FOOTER_CHECKSUM_AT],
    [512, 1024, HEADER_CHECKSUM_AT],
    [bytes.length - SECTOR_SIZE, 512, FOOTER_CHECKSUM_AT],
  ] as const;
  return sums.flatMap(([at, size, sumAt]) => {
    if (at < 0 || at + size > bytes.length) return [];
    const part = Buffer.from(bytes.subarray(at, at + size));
    part.writeUInt32BE(0, sumAt);
    part.writeUInt32BE(~part.reduce((sum, byte) => sum + byte, 0) >>> 0, sumAt);
    return [{ at: at + sumAt, bytes: part.subarray(sumAt, sumAt + 4) }];
  });
}

export const VHDX: Family = {
  name: 'vhdx',
  seeds: () => [
    vhdxSeed('dynamic', buildVhdx(VHDX_BLOCKS)),
    vhdxSeed('log', buildVhdx({ ...VHDX_BLOCKS, log: VHDX_LOG })),
    {
      ...vhdxSeed('differencing', buildVhdx({ ...VHDX_BLOCKS, parent: VHDX_PARENT })),
      files: { 'base.vhdx': vhdxSeed('base', buildVhdx(VHDX_BLOCKS)).bytes },
    },
    ...madeByQemu((folder, seed) => {
      folder.img('convert', '-f', 'raw', '-O', 'vhdx', '-o', 'block_size=1M', 'disk.raw', 'qemu.vhdx');
      return [seed('qemu.vhdx')];
    }),
    ...fromCorpus('formats/dfvfs/*.vhdx.xz'),
  ],
  read: readDisk,
  seal: sealVhdx,
};

const VHDX_BLOCKS = {
  bat: new Map([
    [0, [6, 4]],
    [2, [6, 5]],
    [3, [7, 6]],
  ] as [number, readonly [number, number]][]),
  blocks: new Map([4, 5, 6].map((mib) => [mib, Buffer.alloc(8192, mib)])),
};
const VHDX_LOG = [
  { at: 0, sequence: 7, writes: [{ offset: 4 * MIB, content: Buffer.alloc(LOG_SECTOR, 9) }] },
  { at: 2, sequence: 8, tail: 0, writes: [{ offset: 5 * MIB, content: 8192 }] },
];
const VHDX_PARENT = { parent_linkage: '{01010101-0101-0101-0101-010101010101}', relative_path: 'base.vhdx' };

function vhdxSeed(name: string, file: VhdxFile): Seed {
  return { name, bytes: file.source.read(0, file.sizeBytes) };
}

/** Both headers, both region tables, and the entries of the log where they do not wrap. */
function sealVhdx(bytes: Uint8Array): readonly Edit[] {
  const parts = [
    [HEADERS.first, 4096],
    [HEADERS.second, 4096],
    [HEADERS.regions, 65_536],
    [HEADERS.moreRegions, 65_536],
    ...logEntries(bytes),
  ] as const;
  return parts.flatMap(([at, size]) => {
    if (at + size > bytes.length) return [];
    const part = Buffer.from(bytes.subarray(at, at + size));
    part.writeUInt32LE(0, CHECKSUM_AT);
    part.writeUInt32LE(~crc32c(0xffffffff, part) >>> 0, CHECKSUM_AT);
    return [{ at: at + CHECKSUM_AT, bytes: part.subarray(CHECKSUM_AT, CHECKSUM_AT + 4) }];
  });
}

function* logEntries(bytes: Uint8Array): Iterable<readonly [number, number]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = LOG_AT; at + 64 <= Math.min(LOG_AT + MIB, bytes.length); at += LOG_SECTOR) {
    const size = view.getUint32(at + 8, true);
    const isEntry = view.getUint32(at) === 0x6c6f6765; // 'loge'
    if (isEntry && size >= 64 && at + size <= Math.min(LOG_AT + MIB, bytes.length)) yield [at, size];
  }
}

export const VDI: Family = {
  name: 'vdi',
  seeds: () => {
    const parent = { uuid: '7a1c6b2e-0d3f-4a5b-8c9d-112233445566', lastChange: '00000001-0d3f-4a5b-8c9d-112233445566' };
    const blocks = [grain(1, 4096), BLOCK_FREE, grain(2, 4096)];
    return [
      { name: 'small', bytes: vdi({ blocks }) },
      { name: 'extra', bytes: vdi({ blocks, blockExtra: 512 }) },
      {
        name: 'differencing',
        bytes: vdi({ blocks, parent }),
        files: { [`{${parent.uuid}}.vdi`]: vdi({ blocks: blocks.toReversed(), ...parent }) },
      },
      ...madeByQemu((folder, seed) =>
        ['off', 'on'].map((isStatic) => {
          folder.img('convert', '-f', 'raw', '-O', 'vdi', '-o', `static=${isStatic}`, 'disk.raw', `${isStatic}.vdi`);
          return seed(`${isStatic}.vdi`);
        }),
      ),
      ...fromCorpus('malformed/**/*.vdi'),
    ];
  },
  read: readDisk,
};

export const PARALLELS: Family = {
  name: 'parallels',
  seeds: () => [
    { name: 'hds', bytes: parallels() },
    ...madeByQemu((folder, seed) =>
      ['4k', '64k'].map((cluster) => {
        folder.img(
          'convert',
          '-f',
          'raw',
          '-O',
          'parallels',
          '-o',
          `cluster_size=${cluster}`,
          'disk.raw',
          `${cluster}.hds`,
        );
        return seed(`${cluster}.hds`);
      }),
    ),
    ...fromCorpus('formats/qemu/parallels*'),
  ],
  read: readDisk,
};

/** Four clusters of two sectors, of which three are stored. */
function parallels(): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(1024), ...[1, 2, 3].map((value) => grain(value, 1024))]);
  bytes.write('WithouFreSpacExt', 'latin1');
  const words = [
    [16, 2],
    [28, 2],
    [32, 4],
    [36, 8],
    [64, 3],
    [72, 1],
    [76, 2],
  ] as const;
  for (const [at, value] of words) bytes.writeUInt32LE(value, at);
  return bytes;
}
