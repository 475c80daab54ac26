import { describe, expect, test } from 'vitest';
import { listTree } from '../../../../../test/support/tree-listing.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import { survives } from '../testing/survives.ts';
import { createFileTree } from '../tree.ts';
import { readBootCatalogue } from './boot-catalogue.ts';
import { openBytes } from './testing/image.ts';

interface Answer {
  readonly fs: {
    readonly blkid: { readonly LABEL?: string; readonly UUID?: string };
    /** Left out where nothing was shown. */
    readonly tree?: readonly {
      readonly path: string;
      readonly type: string;
      readonly size?: number;
      readonly sha256?: string;
      readonly target?: string;
    }[];
  };
}

const DISCS = [
  'filesystems/dfvfs/iso9660.raw.xz',
  'filesystems/DiscUtils/apple-test.iso.gz',
  ...corpusFiles('filesystems/libarchive/*.iso.Z'),
];

describe.skipIf(corpusAbsent !== undefined)('discs that others made', () => {
  test.each(DISCS)('%s is what blkid says, and shows what others show', (file) => {
    const answer = (JSON.parse(readCorpusText(`${file}.ref.json`)) as Answer).fs;
    const disc = openBytes(readCorpus(file));
    expect(disc).toMatchObject({ label: answer.blkid.LABEL, uuid: answer.blkid.UUID });
    const ours = new Map(listTree(createFileTree(disc)).map((listed) => [listed.path, listed]));
    for (const { path, type, sha256 } of answer.tree ?? []) {
      const listed = ours.get(path);
      expect({ path, isFolder: listed?.type === 'directory' }).toEqual({ path, isFolder: type === 'dir' });
      // 7-Zip shows links as empty files, and leaves packed files packed
      if (listed?.type === 'file' && !file.includes('zisofs')) expect(listed).toMatchObject({ path, sha256 });
    }
  });

  test('with packed files show what is in them', () => {
    const [plain, packed] = ['rockridge_new', 'zisofs'].map((name) => {
      const disc = openBytes(readCorpus(`filesystems/libarchive/test_read_format_iso_${name}.iso.Z`));
      return listTree(createFileTree(disc)).find(({ path }) => path === '/file')?.sha256;
    });
    expect(plain).toMatch(/^be8246df/);
    expect(packed).toBe(plain);
  });

  test('with partitions are found on the whole disk, with what they boot', () => {
    const bytes = readCorpus('os-images/debian/ipxe.iso.xz');
    const [whole, ...partitions] = openDisk(new MemorySource(bytes), { references: denyReferences }).volumes;
    expect(whole).toMatchObject({ device: '/dev/sda', fileSystem: { type: 'iso9660', label: 'ISOIMAGE' } });
    expect(partitions.map(({ device }) => device)).toEqual(['/dev/sda1']);
    const entries = readBootCatalogue(new MemorySource(bytes));
    expect(entries.map(({ platform, isBootable, media }) => ({ platform, isBootable, media }))).toEqual([
      { platform: 'x86', isBootable: true, media: 'none' },
      { platform: 'EFI', isBootable: true, media: 'none' },
    ]);
  });

  test('and damaged are read as far as they go, or end in a DiskError', () => {
    const bytes = readCorpus('malformed/libarchive/test_fuzz_1.iso.Z');
    expect(() => survives(() => openBytes(bytes), 'inner')).not.toThrow();
  });
});
