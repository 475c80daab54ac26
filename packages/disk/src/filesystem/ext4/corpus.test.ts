import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import type { FileNode, FileSystem, FileType } from '../file-system.ts';
import { readNode } from '../testing/read-all.ts';
import { createFileTree } from '../tree.ts';
import { ext4Format } from './format.ts';
import { openExt4 } from './open.ts';

if (corpusAbsent !== undefined) console.log(`skipped: ${corpusAbsent}`);

/** What a kernel and blkid said of an image. */
interface Reference {
  readonly fs?: ReferenceFileSystem;
  readonly parts?: readonly (ReferenceFileSystem & { readonly start: number })[];
}

interface ReferenceFileSystem {
  readonly blkid: Readonly<Record<string, string>>;
  readonly tree: readonly ReferenceFile[];
}

interface ReferenceFile {
  readonly path: string;
  readonly type: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
}

/** Longer references are cut. */
const WHOLE_REFERENCE = 4000;

describe.skipIf(corpusAbsent !== undefined)('ext filesystems that others made', () => {
  const IMAGES = corpusFiles(
    'filesystems/{ext4-view-rs,go-ext4,dfvfs,plaso,cryptsetup,DiscUtils,util-linux}/*{ext,syslog,test_disk}*',
  ).filter((file) => /\.(xz|zst|gz|dd)$/.test(file) && referenceOf(file)?.fs?.blkid?.TYPE?.startsWith('ext'));

  test('are there', () => {
    expect(IMAGES.length).toBeGreaterThanOrEqual(11);
  });

  test.each(IMAGES)('%s shows what the kernel showed', (file) => {
    expectAnswer(openExt4(new MemorySource(readCorpus(file))), referenceOf(file)?.fs);
  });

  test.each([
    'partitions/libguestfs/mbr-ext2-empty.img.gz',
    'formats/osv-scalibr/valid-ext-exfat-fat32-ntfs.qcow2.xz',
    'formats/dfvfs/ext2.qcow2.xz',
  ])('%s shows in its first partition what the kernel showed', (file) => {
    const source = new MemorySource(readCorpus(file));
    const disk = openDisk(source, { references: denyReferences });
    const { fs, parts } = referenceOf(file) ?? {};
    expectAnswer(disk.volumes[0]?.fileSystem, parts?.[0] ?? fs);
  });
});

describe.skipIf(corpusAbsent !== undefined)('broken ext filesystems of the tests of e2fsck', () => {
  const IMAGES = corpusFiles('malformed/e2fsprogs/*/image.{gz,bz2}');

  test('are there', () => {
    expect(IMAGES.length).toBeGreaterThan(100);
  });

  test('are read or end in a DiskError, in good time, and most of them are told apart from whole ones', () => {
    const outcomes = IMAGES.map((file) => ({ file, ...outcomeOf(readCorpus(file)) }));
    const misbehaved = outcomes.filter(
      ({ errors, ms }) => ms > 2000 || !errors.every((error) => error instanceof DiskError),
    );
    expect(misbehaved).toEqual([]);
    expect(outcomes.filter(({ errors }) => errors.length > 0).length).toBeGreaterThan(IMAGES.length / 4);
  }, 120_000);
});

function expectAnswer(fileSystem: FileSystem | undefined, reference: ReferenceFileSystem | undefined): void {
  if (fileSystem === undefined || reference === undefined) throw new Error('Cannot compare: nothing to compare');
  const { blkid, tree } = reference;
  expect(fileSystem).toMatchObject({ type: blkid.TYPE, uuid: blkid.UUID });
  expect(fileSystem.label).toBe(blkid.LABEL?.replaceAll('\\ ', ' '));
  const files = filesOf(fileSystem);
  const known = tree.filter(({ path }) => files.has(path));
  expect(known.map(({ path }) => files.get(path))).toEqual(known);
  // what is encrypted has other names without its key
  expect(known.length).toBeGreaterThanOrEqual(tree.length - 10);
  if (tree.length < WHOLE_REFERENCE) expect(files.size).toBe(tree.length);
}

function referenceOf(file: string): Reference | undefined {
  const [name] = corpusFiles(`${file}.ref.json`);
  return name === undefined ? undefined : JSON.parse(readCorpusText(name));
}

function filesOf(fileSystem: FileSystem): ReadonlyMap<string, ReferenceFile> {
  const walk = createFileTree(fileSystem).walk('/', { onUnreadable: () => {} });
  const files = [...walk].slice(1).map(({ path, node }): [string, ReferenceFile] => [path, describeFile(path, node)]);
  return new Map(files);
}

const TYPES: Partial<Record<FileType, string>> = { directory: 'dir', symlink: 'link' };

function describeFile(path: string, node: FileNode): ReferenceFile {
  const { type, mode, uid, gid, sizeBytes } = node.stat;
  const sha256 = () => createHash('sha256').update(node.open().read(0, sizeBytes)).digest('hex');
  return {
    path,
    type: TYPES[type] ?? type,
    mode: mode.toString(8),
    uid,
    gid,
    ...(type === 'file' && { size: sizeBytes, sha256: sha256() }),
    ...(type === 'symlink' && { target: node.readlink() }),
  };
}

function outcomeOf(bytes: Uint8Array) {
  const started = performance.now();
  const errors = readWhatCanBe(bytes);
  return { errors, ms: performance.now() - started };
}

/** Everything that was thrown on the way through an image. */
function readWhatCanBe(bytes: Uint8Array): unknown[] {
  const errors: unknown[] = [];
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      errors.push(error);
    }
  };
  attempt(() => {
    const fileSystem = ext4Format.open(new MemorySource(bytes));
    errors.push(...fileSystem.warnings.map((warning) => new DiskError('corrupt', warning)));
    const tree = createFileTree(fileSystem);
    const onUnreadable = (_: string, error: DiskError) => errors.push(error);
    for (const { node } of tree.walk('/', { onUnreadable })) attempt(() => readNode(node));
  });
  return errors;
}
