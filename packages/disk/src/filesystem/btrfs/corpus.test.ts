import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DiskError } from '../../error.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, openCorpus, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import type { FileNode, FileSystem } from '../file-system.ts';
import { readNode } from '../testing/read-all.ts';
import { createFileTree } from '../tree.ts';
import { openBtrfs } from './open.ts';

if (corpusAbsent !== undefined) console.log(`skipped: ${corpusAbsent}`);

describe.skipIf(corpusAbsent !== undefined)('btrfs filesystems that others made', () => {
  test('are read where zstd ends in the middle of an extent', () => {
    const [file = ''] = corpusFiles('filesystems/btrfs-progs/compress.raw.xz');
    const { fs } = JSON.parse(readCorpusText(`${file}.ref.json`));
    const fileSystem = openBtrfs(new MemorySource(readCorpus(file)));
    expect(fileSystem).toMatchObject({ type: fs.blkid.TYPE, uuid: fs.blkid.UUID });
    const files = fs.tree.map(({ path, sha256 }: { path: string; sha256: string }) => [path, sha256]);
    const walk = [...createFileTree(fileSystem).walk()].slice(1);
    expect(walk.map(({ path, node }) => [path, sha256Of(node)])).toEqual(files);
  });
});

describe.skipIf(corpusAbsent !== undefined)('broken btrfs filesystems of the tests of btrfs-progs', () => {
  const IMAGES = corpusFiles('malformed/btrfs-progs/{fuzz,04*}/*.raw.xz');

  test('are there', () => {
    expect(IMAGES.length).toBeGreaterThan(30);
  });

  test('are read or end in a DiskError, in good time', () => {
    const outcomes = IMAGES.map((file) => {
      using source = openCorpus(file);
      const before = process.threadCpuUsage();
      const errors = errorsOf(() => openBtrfs(source));
      const { user, system } = process.threadCpuUsage(before);
      return { file, errors, cpuMs: (user + system) / 1000 };
    });
    const misbehaved = outcomes.filter(
      ({ errors, cpuMs }) => cpuMs > 2000 || !errors.every((error) => error instanceof DiskError),
    );
    expect(misbehaved).toEqual([]);
    expect(outcomes.filter(({ errors }) => errors.length > 0).length).toBeGreaterThan(IMAGES.length / 3);
  }, 120_000);
});

function sha256Of(node: FileNode): string {
  return createHash('sha256').update(node.open().read(0, node.stat.sizeBytes)).digest('hex');
}

/** Everything that is thrown on the way through a filesystem. */
function errorsOf(open: () => FileSystem): unknown[] {
  const errors: unknown[] = [];
  const attempt = (action: () => void) => {
    try {
      action();
    } catch (error) {
      errors.push(error);
    }
  };
  attempt(() => {
    const fileSystem = open();
    attempt(() => fileSystem.subvolumes);
    const onUnreadable = (_: string, error: DiskError) => errors.push(error);
    for (const { node } of createFileTree(fileSystem).walk('/', { onUnreadable })) attempt(() => readNode(node));
  });
  return errors;
}
