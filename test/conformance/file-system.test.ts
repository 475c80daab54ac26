import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ByteSource, createFileTree, DiskError, extentsOf, type FileNode, type FileSystem } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeBtrfs } from '../../packages/disk/src/filesystem/btrfs/testing/image.ts';
import { makeErofs } from '../../packages/disk/src/filesystem/erofs/testing/image.ts';
import { sampleExfat } from '../../packages/disk/src/filesystem/exfat/testing/sample-image.ts';
import { makeExt } from '../../packages/disk/src/filesystem/ext4/testing/image.ts';
import { makeFat } from '../../packages/disk/src/filesystem/fat/testing/image.ts';
import { FILE_SYSTEM_FORMATS } from '../../packages/disk/src/filesystem/formats.ts';
import { makeIso } from '../../packages/disk/src/filesystem/iso9660/testing/image.ts';
import { makeNtfs, ntfs3gAbsent } from '../../packages/disk/src/filesystem/ntfs/testing/ntfs-3g.ts';
import { makeSquashfs } from '../../packages/disk/src/filesystem/squashfs/testing/image.ts';
import { makeXfs } from '../../packages/disk/src/filesystem/xfs/testing/image.ts';
import { MemorySource } from '../../packages/disk/src/source/memory-source.ts';
import { OverlaySource } from '../../packages/disk/src/source/overlay-source.ts';
import { hasTool } from '../../packages/disk/src/testing/tool.ts';
import { listTree } from '../support/tree-listing.ts';

const MIB = 2 ** 20;

interface Maker {
  /** The name of the format, and the tool that makes it. */
  readonly name: string;
  readonly tool?: string;
  /** `undefined` where it cannot be made here. */
  make(folder: string, sample: string): Promise<ByteSource | undefined> | ByteSource | undefined;
}

const MAKERS: readonly Maker[] = [
  {
    name: 'ext4',
    tool: 'mke2fs',
    make: (folder, from) => load(makeExt(path.join(folder, 'ext4'), { args: '-t ext4', from, sizeBytes: 24 * MIB })),
  },
  {
    name: 'xfs',
    tool: 'mkfs.xfs',
    make: (folder, from) => load(makeXfs(path.join(folder, 'xfs'), { fill: (target) => copy(from, target) })),
  },
  {
    name: 'btrfs',
    tool: 'mkfs.btrfs',
    make: (folder, from) => load(makeBtrfs(folder, { args: `--rootdir ${from}` })[0]),
  },
  {
    name: 'ntfs',
    ...(ntfs3gAbsent === undefined ? {} : { tool: 'ntfs-3g' }),
    make: async (folder, from) =>
      load(await makeNtfs(path.join(folder, 'ntfs'), { fill: (target) => copy(from, target) })),
  },
  {
    name: 'vfat',
    tool: 'mkfs.vfat',
    make: (folder, from) => load(makeFat(path.join(folder, 'vfat'), { args: '-F 16', from, sizeBytes: 16 * MIB })),
  },
  { name: 'exfat', make: () => new MemorySource(sampleExfat().sealed()) },
  {
    name: 'squashfs',
    tool: 'mksquashfs',
    make: (folder, from) => load(makeSquashfs(path.join(folder, 'squashfs'), from, '')),
  },
  {
    name: 'erofs',
    tool: 'mkfs.erofs',
    make: (folder, from) => load(makeErofs(path.join(folder, 'erofs'), from, '')),
  },
  {
    name: 'iso9660',
    tool: 'xorriso',
    make: (folder, from) => load(makeIso(path.join(folder, 'iso'), from, 'xorriso -R')),
  },
];

function load(image: string | undefined): ByteSource | undefined {
  return image === undefined ? undefined : new MemorySource(readFileSync(image));
}

function copy(from: string, target: string): void {
  execFileSync('cp', ['-r', `${from}/.`, target]);
}

/** What every format keeps: files of some sizes, folders, long names. */
function fillSample(folder: string): string {
  mkdirSync(path.join(folder, 'Folder/inner'), { recursive: true });
  for (const size of [0, 1, 700, 5_000, 300_000]) {
    const content = Uint8Array.from({ length: size }, (_, index) => (index * 7) % 251);
    writeFileSync(path.join(folder, `Folder/file of ${size} bytes`), content);
  }
  writeFileSync(path.join(folder, 'Folder/zeros'), new Uint8Array(200_000));
  for (let index = 0; index < 120; index++) writeFileSync(path.join(folder, 'Folder/inner', `Entry ${index}`), 'x');
  writeFileSync(path.join(folder, `Folder/${'n'.repeat(200)}`), 'long');
  return folder;
}

const formatNamed = (name: string) => FILE_SYSTEM_FORMATS.find((format) => format.name === name);

test('the suite knows every format that can be read', () => {
  expect(
    FILE_SYSTEM_FORMATS.map(({ name }) => name).filter((name) => !MAKERS.some((maker) => maker.name === name)),
  ).toEqual([]);
});

describe.for(MAKERS.map((maker) => [maker.name, maker] as const))('FileSystem: %s', ([name, { tool, make }]) => {
  if (tool !== undefined && !hasTool(tool)) return test.skip(`${tool} is not installed`);
  let folder: string;
  let source: ByteSource | undefined;
  let fileSystem: FileSystem;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-conformance-'));
    source = await make(folder, fillSample(path.join(folder, 'sample')));
    if (source === undefined) return;
    expect(formatNamed(name)?.detect(source.read(0, Math.min(source.sizeBytes, 68 * 1024)))).toBe(true);
    fileSystem = open(source);
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const open = (bytes: ByteSource) => formatNamed(name)?.open(bytes) as FileSystem;

  const check = (law: string, holds: () => void) =>
    test(law, (context) => (source === undefined ? context.skip(`${name} cannot be made here`) : holds()));

  const nodes = () => [...createFileTree(fileSystem).walk('/')].map(({ node }) => node);
  const ofType = (type: FileNode['stat']['type']) => nodes().filter(({ stat }) => stat.type === type);

  check('names its type, its size, and warns of nothing', () => {
    expect(fileSystem.warnings).toEqual([]);
    expect(fileSystem.sizeBytes).toBeGreaterThan(0);
    expect(fileSystem.sizeBytes).toBeLessThanOrEqual(source?.sizeBytes ?? 0);
    expect(fileSystem.root.stat.type).toBe('directory');
  });

  check('finds by lookup what it lists, each name once', () => {
    for (const node of ofType('directory')) {
      const entries = [...node.list()];
      expect(new Set(entries.map((entry) => entry.name)).size).toBe(entries.length);
      for (const entry of entries) {
        expect(node.lookup(entry.name)?.stat).toEqual(entry.node().stat);
        expect(entry.type ?? entry.node().stat.type).toBe(entry.node().stat.type);
      }
      expect(node.lookup('no such name')).toBeUndefined();
    }
  });

  check('finds names in another case exactly where it says that case does not matter', () => {
    const [entry] = [...fileSystem.root.list()].filter(({ name: listed }) => listed !== listed.toUpperCase());
    const found = fileSystem.root.lookup(entry?.name.toUpperCase() ?? '');
    expect(found !== undefined).toBe(!fileSystem.isCaseSensitive);
  });

  check('reads the same in one piece and in many, and nothing past the end', () => {
    for (const node of ofType('file')) {
      const content = node.open();
      expect(content.sizeBytes).toBe(node.stat.sizeBytes);
      const whole = Buffer.from(content.read(0, content.sizeBytes));
      const step = Math.max(1, Math.ceil(content.sizeBytes / 7));
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < content.sizeBytes; at += step) {
        pieces.push(Uint8Array.from(content.read(at, Math.min(step, content.sizeBytes - at))));
      }
      expect(Buffer.concat(pieces).equals(whole)).toBe(true);
      expect(() => content.read(content.sizeBytes, 1)).toThrow(DiskError);
    }
  });

  check('maps a file whole and in order, with zeros wherever nothing is stored', () => {
    for (const node of ofType('file')) {
      const content = node.open();
      let end = 0;
      for (const { offset, length, kind } of extentsOf(content, 0, content.sizeBytes)) {
        expect(offset).toBe(end);
        expect(length).toBeGreaterThan(0);
        if (kind !== 'data') expect(content.read(offset, length).every((byte) => byte === 0)).toBe(true);
        end += length;
      }
      expect(end).toBe(content.sizeBytes);
    }
  });

  check('ends in a DiskError what does not fit the type of a node', () => {
    const [file] = ofType('file');
    expect(() => fileSystem.root.open()).toThrow(DiskError);
    expect(() => fileSystem.root.readlink()).toThrow(DiskError);
    expect(() => [...(file?.list() ?? [])]).toThrow(DiskError);
    expect(() => file?.lookup('x')).toThrow(DiskError);
    expect(() => file?.readlink()).toThrow(DiskError);
  });

  check('keeps times, links, modes and attributes of every node within their bounds', () => {
    for (const { stat, xattrs } of nodes().map((node) => ({ stat: node.stat, xattrs: node.xattrs() }))) {
      for (const time of [stat.modifiedAt, stat.changedAt, stat.accessedAt, stat.createdAt ?? stat.modifiedAt]) {
        expect(Number.isSafeInteger(time.seconds)).toBe(true);
        expect(time.nanoseconds >= 0 && time.nanoseconds < 1e9).toBe(true);
      }
      expect(stat.links).toBeGreaterThan(0);
      expect(stat.mode & ~0o7777).toBe(0);
      expect([...xattrs.keys()].every((key) => key.includes('.'))).toBe(true);
    }
  });

  check('maps its free space in order and joined, within the volume', () => {
    let end = -1;
    for (const { offset, length } of fileSystem.freeRanges?.() ?? []) {
      expect(offset).toBeGreaterThan(end);
      expect(length).toBeGreaterThan(0);
      end = offset + length;
    }
    expect(end).toBeLessThanOrEqual(source?.sizeBytes ?? 0);
  });

  check('shows the same files whatever stands in its free space', () => {
    const free = [...(fileSystem.freeRanges?.() ?? [])];
    const rubbish = free.map(({ offset, length }) => {
      const end = offset + Math.min(length, 2 * MIB);
      return { start: offset, end, bytes: new Uint8Array(end - offset).fill(0xa5) };
    });
    const spoilt = open(new OverlaySource(source as ByteSource, rubbish));
    expect(listTree(createFileTree(spoilt))).toEqual(listTree(createFileTree(fileSystem)));
  });
});
