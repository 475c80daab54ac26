import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import path from 'node:path';
import { denyReferences, openDisk } from '@guestkit/disk';
import { describe, expect, test } from 'vitest';
import { MemorySource } from '../../packages/disk/src/source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../../packages/disk/src/testing/corpus.ts';
import { LIMIT } from '../fuzz/limits.ts';

// What the suites beside the formats do not look at: VHD, VHDX and Parallels have their answers there, tables and signatures theirs.

const ELSEWHERE = /\.(vhd|vhdx)\.|parallels/;
/** Of the corpus, what other names a disk is split into: not a disk by itself. */
const IS_PART = /splitraw/;

interface Answer {
  readonly qemu_img_info?: { readonly 'virtual-size': number; readonly format: string };
  readonly raw_sha256?: string;
}

const containers = corpusFiles('formats/**/*.ref.json').filter((file) => !ELSEWHERE.test(file) && !IS_PART.test(file));
const malformed = corpusFiles(
  'malformed/{btrfs-progs,cryptsetup,e2fsprogs,libarchive,osv-scalibr,qemu,sleuthkit_test_data}/**/*',
).filter((file) => /\.(xz|gz|bz2|Z|qcow2|vdi|e2im)$|clusterfuzz/.test(file));

describe.skipIf(corpusAbsent !== undefined)('images of the corpus', () => {
  test.each(containers)('give the known answer: %s', { timeout: 60_000 }, (file) => {
    const answer: Answer = JSON.parse(readCorpusText(`${file.replace(/\.ref\.json$/, '')}.ref.json`));
    const source = new MemorySource(readCorpus(file.replace(/\.ref\.json$/, '')));
    if (file.includes('.dmg')) {
      expect(() => openDisk(source, { references: denyReferences })).toThrow(
        expect.objectContaining({ kind: 'unsupported', format: 'dmg' }),
      );
      return;
    }
    const { image } = openDisk(source, { references: denyReferences });
    expect(image.sizeBytes).toBe(answer.qemu_img_info?.['virtual-size']);
    const digest = createHash('sha256').update(image.read(0, image.sizeBytes)).digest('hex');
    if (answer.raw_sha256 !== undefined) expect(digest).toBe(answer.raw_sha256);
  });

  test('of four filesystems shows them all', () => {
    const source = new MemorySource(readCorpus('formats/osv-scalibr/valid-ext-exfat-fat32-ntfs.qcow2.xz'));
    const { volumes } = openDisk(source, { references: denyReferences });
    expect(volumes.map(({ signature }) => signature?.type)).toEqual(['ext4', 'exfat', 'vfat', 'ntfs']);
  });

  test.each(['volumes/**/*.img.xz', 'partitions/**/*.{img,xz,gz}'])(
    'are taken apart or refused by name: %s',
    (pattern) => {
      const { status, findings } = readAll(corpusFiles(pattern));
      expect({ status, findings }).toEqual({ status: 0, findings: [] });
    },
  );

  test('that are malformed end in a DiskError or are read, within two seconds and 256 MiB', {
    timeout: 600_000,
  }, () => {
    const { status, findings, count } = readAll(malformed);
    expect({ status, findings }).toEqual({ status: 0, findings: [] });
    expect(count).toBeGreaterThan(150);
  });
});

interface Line {
  readonly file: string;
  readonly fault?: string;
  readonly cpuMs: number;
  readonly addedBytes: number;
}

/** Reads files in one process, which is killed only when it is beyond all hope: what counts is the processor time of each. */
function readAll(files: readonly string[]) {
  const script = path.join(import.meta.dirname, 'read-malformed.ts');
  const args = ['--max-old-space-size=192', script, ...files];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    encoding: 'utf8',
    timeout: 500_000,
    maxBuffer: 2 ** 26,
  });
  if (status !== 0) throw new Error(`Reading ended with ${status}: ${stderr}`);
  const lines: readonly Line[] = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const isFinding = ({ fault, cpuMs, addedBytes }: Line) =>
    fault !== undefined || cpuMs > LIMIT.cpuMs || addedBytes > LIMIT.addedBytes;
  return { status, count: lines.length, findings: lines.filter(isFinding) };
}
