import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ListedFile, listFolder, listTree } from '../../../../../test/support/tree-listing.ts';
import { FileSource } from '../../source/file-source.ts';
import { hasTool } from '../../testing/tool.ts';
import { identifyVolume } from '../signature/identify.ts';
import { createFileTree } from '../tree.ts';
import { hasIsoTools, makeDiscFolder, makeIso, openImage } from './testing/image.ts';

/** Discs with Rock Ridge keep all that a folder has. */
const COMPLETE: readonly string[] = [
  'xorriso -R',
  'xorriso -R -J --hardlinks',
  'xorriso -R -iso-level 3 -D',
  'xorriso -R -disallow_dir_id_ext -untranslated-filenames',
  'genisoimage -R',
  'genisoimage -R -J -joliet-long -cache-inodes',
  'genisoimage -R -D -iso-level 3',
  'genisoimage -R -hide-rr-moved -no-pad',
  'genisoimage -R -udf -iso-level 2',
  'genisoimage -R -iso-level 4 -relaxed-filenames',
];

/** Others keep names, of whatever length, and content. */
const REDUCED: readonly string[] = [
  'xorriso --norock -J',
  'xorriso --norock -iso-level 1',
  'xorriso --norock -iso-level 2',
  'genisoimage -J -D',
  'genisoimage -J -joliet-long -D -jcharset utf-8',
  'genisoimage -iso-level 1 -D -no-pad',
  'genisoimage -iso-level 2 -D',
  'genisoimage -iso-level 3 -D -allow-lowercase',
  'genisoimage -iso-level 4 -D',
  'genisoimage -D -N -d',
];

describe.skipIf(!hasIsoTools || !hasTool('bsdtar'))('the files of a disc', () => {
  let folder: string;
  let sample: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-iso9660-'));
    sample = path.join(folder, 'sample');
    mkdirSync(sample);
    makeDiscFolder(sample);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each(COMPLETE)('made by %s are those of the folder', (command) => {
    const disc = openImage(makeIso(path.join(folder, 'image'), sample, command));
    expect(disc.warnings).toEqual([]);
    expect(filesOf(disc)).toEqual(listFolder(sample).map(complete));
  });

  test.each(REDUCED)('made by %s are those that libarchive shows', (command) => {
    const image = makeIso(path.join(folder, 'image'), sample, command);
    const out = path.join(folder, 'out');
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
    execFileSync('bsdtar', ['-xf', image, '-C', out], { stdio: 'pipe', env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    const ours = listTree(createFileTree(openImage(image))).map(reduced);
    expect(ours.length).toBeGreaterThan(120);
    expect(ours).toEqual(listFolder(out).map(reduced));
  });

  test('that are packed are those of the folder', () => {
    const image = makeIso(
      path.join(folder, 'image'),
      sample,
      'xorriso -R',
      '--',
      '-set_filter_r',
      '--zisofs',
      '/',
      '--',
    );
    expect(readFileSync(image).includes(Buffer.from('37e45396c9dbd607', 'hex'))).toBe(true);
    expect(filesOf(openImage(image))).toEqual(listFolder(sample).map(complete));
  });

  test('are found whatever the case, but where Rock Ridge keeps it', () => {
    const open = (command: string) => openImage(makeIso(path.join(folder, 'image'), sample, command));
    expect(open('genisoimage -iso-level 2 -D').root.lookup('upper')?.stat.type).toBe('file');
    expect(open('xorriso --norock -J').root.lookup('MIXED.case.TXT')?.stat.type).toBe('file');
    const rockRidge = open('xorriso -R');
    expect(rockRidge.root.lookup('upper')).toBeUndefined();
    expect(rockRidge.isCaseSensitive).toBe(true);
  });

  test('with names that are no UTF-8 keep them', () => {
    const from = path.join(folder, 'odd');
    mkdirSync(from);
    writeFileSync(Buffer.concat([Buffer.from(`${from}/`), Buffer.from([0x62, 0xff, 0xfe])]), 'odd');
    const { root } = openImage(makeIso(path.join(folder, 'image'), from, 'genisoimage -R -input-charset default'));
    expect([...root.list()].map(({ name }) => name)).toEqual(['b\udcff\udcfe']);
  });

  test.skipIf(!hasTool('blkid'))('are on a volume with the label and the identity that blkid says', () => {
    for (const command of [
      'xorriso -R -J -V Label_of_disc',
      'genisoimage -V SHORT -J -D',
      'genisoimage -R -udf -V BRIDGE',
    ]) {
      const image = makeIso(path.join(folder, 'image'), sample, command);
      const lines = execFileSync('blkid', ['-p', '-o', 'export', image], { encoding: 'utf8' }).split('\n');
      const value = (name: string) => lines.find((line) => line.startsWith(`${name}=`))?.slice(name.length + 1);
      const { type, label, uuid } = openImage(image);
      expect({ type, label }).toEqual({ type: 'iso9660', label: value('LABEL') });
      const isBridge = value('TYPE') === 'udf';
      expect(identifyVolume(FileSource.open(image))).toEqual({ type: value('TYPE'), label, uuid: value('UUID') });
      if (!isBridge) expect(uuid).toBe(value('UUID'));
    }
  });
});

function filesOf(disc: ReturnType<typeof openImage>) {
  return listTree(createFileTree(disc))
    .filter(({ path }) => !/^\/\.?rr_moved$/.test(path))
    .map(complete);
}

function complete({ path, type, mode, uid, gid, size, links, modified, sha256, target, device }: ListedFile) {
  const owned = { path, type, mode, uid, gid, target, device };
  // what links count, and what a folder's size is, programs see differently
  return type === 'directory' ? owned : { ...owned, size, links, modified: modified.split(' ')[0], sha256 };
}

function reduced({ path, type, size, sha256 }: ListedFile) {
  return type === 'directory' ? { path, type } : { path, type, size, sha256 };
}
