import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusMember, readCorpusText } from '../../testing/corpus.ts';
import { createFileTree } from '../tree.ts';
import { fatFormat } from './format.ts';
import { openFat } from './open.ts';
import { hasFatTools, mtools } from './testing/image.ts';

interface Reference {
  readonly whole_blkid?: Readonly<Record<string, string>>;
}

describe.skipIf(corpusAbsent !== undefined)('FAT volumes that others made', () => {
  const WHOLE = corpusFiles('filesystems/{dfvfs,rust-fatfs,velociraptor,util-linux}/fat*.{xz,dd}');
  const SLEUTHKIT = [
    ['2-kwsrch-fat', '2-kwsrch-fat/fat-img-kw.dd'],
    ['5-fat-daylight', '5-fat-daylight/daylight.dd'],
  ] as const;
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-fat-corpus-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('are there', () => {
    expect(WHOLE.length).toBeGreaterThan(12);
  });

  test.each(WHOLE)('%s is what blkid says, and shows what mtools shows', (file) => {
    const { whole_blkid: blkid }: Reference = JSON.parse(readCorpusText(`${file}.ref.json`));
    const bytes = readCorpus(file);
    expect(fatFormat.detect(bytes)).toBe(true);
    expect(openFat(new MemorySource(bytes))).toMatchObject({
      type: blkid?.TYPE,
      uuid: blkid?.UUID,
      label: blkid?.LABEL,
      warnings: [],
    });
    expectFilesOfMtools(bytes);
  });

  test.each(SLEUTHKIT)('%s of the tests of sleuthkit shows what mtools shows', (archive, member) => {
    expectFilesOfMtools(readCorpusMember(`filesystems/sleuthkit_test_data/${archive}.zip`, member));
  });

  test('show the times that were on the clock when the files were made', () => {
    const image = readCorpusMember('filesystems/sleuthkit_test_data/5-fat-daylight.zip', '5-fat-daylight/daylight.dd');
    const tree = createFileTree(openFat(new MemorySource(image)));
    expect(tree.stat('/winter.txt').modifiedAt.seconds).toBe(Date.UTC(2004, 0, 1, 14, 0, 2) / 1000);
    expect(tree.stat('/summer.txt').modifiedAt.seconds).toBe(Date.UTC(2004, 5, 1, 15, 0, 4) / 1000);
  });

  test('are read in a partition of a disk', () => {
    const image = readCorpus('formats/osv-scalibr/valid-ext-exfat-fat32-ntfs.qcow2.xz');
    const volume = openDisk(new MemorySource(image), { references: denyReferences }).volumes[2];
    if (volume?.fileSystem === undefined) throw new Error('Cannot compare: the filesystem was not opened');
    expect(volume.fileSystem).toMatchObject({ type: 'vfat', uuid: 'E86D-AF52', warnings: [] });
    expect(createFileTree(volume.fileSystem).readText('/private-key3.pem')).toMatch(/^-----BEGIN .*-----\n/);
    expectFilesOfMtools(volume.source.read(0, volume.source.sizeBytes));
  });

  function expectFilesOfMtools(bytes: Uint8Array): void {
    const ours = listTree(createFileTree(openFat(new MemorySource(bytes)))).map(comparable);
    if (!hasFatTools) return;
    const image = path.join(folder, `${Math.random()}.img`);
    writeFileSync(image, bytes);
    const out = path.join(folder, `${Math.random()}`);
    mkdirSync(out);
    if (ours.length > 1) mtools(image, 'mcopy', '-s', '-m', '-n', '::/*', out);
    expect(ours).toEqual(listFolder(out).map(comparable));
  }
});

function comparable({ path, type, size, sha256, modified }: ListedFile) {
  return { path, type, ...(type === 'file' && { size, sha256, modified }) };
}
