import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import { readAll } from '../testing/read-all.ts';
import { createFileTree } from '../tree.ts';
import { openXfs } from './open.ts';

if (corpusAbsent !== undefined) console.log(`skipped: ${corpusAbsent}`);

interface ReferenceFile {
  readonly path: string;
  readonly type: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly mode: string;
}

describe.skipIf(corpusAbsent !== undefined)('XFS filesystems that others made', () => {
  const IMAGES = corpusFiles('filesystems/{dfvfs,cryptsetup,util-linux}/*xfs*.xz').filter(
    (file) => !/xfs-log|vxfs/.test(file),
  );

  test('are there', () => {
    expect(IMAGES.length).toBeGreaterThanOrEqual(4);
  });

  test.each(IMAGES)('%s has the label, the UUID and the files that are known of it', (file) => {
    const fileSystem = openXfs(new MemorySource(readCorpus(file)));
    const { blkid, tree } = JSON.parse(readCorpusText(`${file}.ref.json`)).fs;
    expect(fileSystem).toMatchObject({ type: 'xfs', uuid: blkid.UUID });
    expect(fileSystem.label).toBe(blkid.LABEL);
    readAll(fileSystem);
    // the kernel here does not mount version 4
    if (tree === undefined) return;
    const files = [...createFileTree(fileSystem).walk()].slice(1).map(({ path, node }) => {
      const { type, mode, sizeBytes } = node.stat;
      const sha256 = () => createHash('sha256').update(node.open().read(0, sizeBytes)).digest('hex');
      return {
        path,
        type: type === 'directory' ? 'dir' : type === 'symlink' ? 'link' : type,
        mode: mode.toString(8),
        ...(type === 'file' && { size: sizeBytes, sha256: sha256() }),
        ...(type === 'symlink' && { target: node.readlink() }),
      };
    });
    const byPath = (one: ReferenceFile, other: ReferenceFile) => (one.path < other.path ? -1 : 1);
    const known = tree.map(({ uid, gid, ...file }: ReferenceFile & { uid: number; gid: number }) => file);
    expect(files.sort(byPath)).toEqual(known.sort(byPath));
  });

  test('in a partition of a vhdx', () => {
    const file = 'filesystems/DiscUtils/xfs.vhdx.gz';
    const disk = openDisk(new MemorySource(readCorpus(file)), { references: denyReferences });
    const [volume] = disk.volumes;
    const [part] = JSON.parse(readCorpusText(`${file}.ref.json`)).parts;
    expect(volume?.fileSystem).toMatchObject({ type: 'xfs', uuid: part.blkid.UUID });
    if (volume?.fileSystem !== undefined) readAll(volume.fileSystem);
  });
});
