import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { differences } from '../../../../../test/support/tree-differences.ts';
import { listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { denyReferences } from '../../image/references.ts';
import { openDisk } from '../../open-disk.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { corpusAbsent, readCorpus } from '../../testing/corpus.ts';
import { survives } from '../testing/survives.ts';
import { createFileTree } from '../tree.ts';
import { openNtfs } from './open.ts';
import { ntfs3gAbsent, withNtfs3g } from './testing/ntfs-3g.ts';

const VOLUMES: readonly (readonly [file: string, index: number, uuid: string, label: string, files: number])[] = [
  ['filesystems/dfvfs/ntfs.raw.xz', 0, '1870D4A366D67B00', 'ntfs_test', 6],
  ['filesystems/ntfs/testfs1.xz', 0, '6F462FC17DF91EB8', 'mylabel', 518],
  ['formats/dfvfs/ntfs-dynamic.vhd.xz', 0, '8C32F15C32F14BA8', 'TestVolume', 8],
];

describe.skipIf(corpusAbsent !== undefined)('NTFS volumes that others made', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-ntfs-corpus-'));
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(VOLUMES)('%s is what blkid says, and shows what ntfs-3g shows', async (file, index, uuid, label, files) => {
    const volume = openDisk(new MemorySource(readCorpus(file)), { references: denyReferences }).volumes[index];
    if (volume?.fileSystem === undefined) throw new Error('Cannot compare: the filesystem was not opened');
    expect(volume.fileSystem).toMatchObject({ type: 'ntfs', uuid, label });
    const ours = listTree(createFileTree(volume.fileSystem));
    expect(ours).toHaveLength(files);
    if (ntfs3gAbsent !== undefined) return;
    const image = path.join(folder, path.basename(file));
    writeFileSync(image, volume.source.read(0, volume.source.sizeBytes));
    const shown = await withNtfs3g(image, 'ro', (mounted) => listFolder(mounted));
    // ntfs-3g looks for targets on the same volume, whatever drive they name
    const links = new Set(ours.filter(({ type }) => type === 'symlink').map(({ path: name }) => name));
    const others = ({ path: name }: { readonly path: string }) => !links.has(name);
    // ntfs-3g counts names for DOS as links, and lists none of the attributes that it has
    const leaveOut = ['created', 'xattrs', 'links'] as const;
    expect(differences(ours.filter(others), shown.filter(others), { leaveOut })).toEqual([]);
  });

  test('a volume that Windows made, with shadow copies, shows what ntfs-3g shows', async () => {
    const file = path.join(folder, 'shadow.qcow2');
    writeFileSync(file, readCorpus('filesystems/plaso/vsstest.qcow2.xz'));
    const [volume] = openDisk(new MemorySource(readCorpus('filesystems/plaso/vsstest.qcow2.xz')), {
      references: denyReferences,
    }).volumes;
    if (volume?.fileSystem === undefined) throw new Error('Cannot compare: the filesystem was not opened');
    expect(volume.fileSystem).toMatchObject({ uuid: 'C45E30FD5E30EA36', label: 'vsstest', warnings: [] });
    const ours = listTree(createFileTree(volume.fileSystem), { content: false });
    expect(ours).toHaveLength(8);
    if (ntfs3gAbsent !== undefined) return;
    const image = path.join(folder, 'shadow.img');
    execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', file, image], { stdio: 'pipe' });
    const shown = await withNtfs3g(image, 'ro', (mounted) => listFolder(mounted, { content: false }));
    expect(differences(ours, shown, { leaveOut: ['created', 'xattrs', 'links'] })).toEqual([]);
  });

  test('a link that Windows made leads to a path of its drive', () => {
    const disk = openDisk(new MemorySource(readCorpus('formats/dfvfs/ntfs-dynamic.vhd.xz')), {
      references: denyReferences,
    });
    expect(disk.volumes[0]?.fileSystem?.root.lookup('a_link')?.readlink()).toBe('/X:/a_directory/another_file');
  });

  test('what a fuzzer found ends in DiskErrors, or is read', () => {
    const file =
      'malformed/sleuthkit_test_data/clusterfuzz-testcase-minimized-sleuthkit_fls_ntfs_fuzzer-5124116049166336';
    expect(survives(() => openNtfs(new MemorySource(readCorpus(file))), 'inner')).toBe(false);
  });
});
