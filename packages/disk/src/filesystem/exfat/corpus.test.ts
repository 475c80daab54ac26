import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus } from '../../testing/corpus.ts';
import { hasTool } from '../../testing/tool.ts';
import { createFileTree } from '../tree.ts';

describe.skipIf(corpusAbsent !== undefined)('exFAT volumes that others made', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-exfat-corpus-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    ['formats/osv-scalibr/valid-ext-exfat-fat32-ntfs.qcow2.xz', 1, '6D9D-EE86', undefined, 1],
    ['filesystems/util-linux/exfat.img.xz', 0, '9C23-8877', 'Новый том', 100],
  ])('%s is what blkid says, and shows what sleuthkit shows', (file, index, uuid, label, files) => {
    const volume = openDisk(new MemorySource(readCorpus(file)), { references: denyReferences }).volumes[index];
    if (volume?.fileSystem === undefined) throw new Error('Cannot compare: the filesystem was not opened');
    expect(volume.fileSystem).toMatchObject({ type: 'exfat', uuid, label, warnings: [] });
    const ours = listTree(createFileTree(volume.fileSystem)).map(comparable);
    expect(ours).toHaveLength(files + 1);
    if (!hasTool('tsk_recover')) return;
    const image = path.join(folder, `${index}.img`);
    writeFileSync(image, volume.source.read(0, volume.source.sizeBytes));
    const out = path.join(folder, `${index}`);
    execFileSync('tsk_recover', ['-a', '-f', 'exfat', image, out], { stdio: 'pipe' });
    expect(ours).toEqual(
      listFolder(out)
        .filter(({ path }) => !path.startsWith('/$'))
        .map(comparable),
    );
  });
});

function comparable({ path, type, size, sha256 }: ListedFile) {
  return { path, type, ...(type === 'file' && { size, sha256 }) };
}
