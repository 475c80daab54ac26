import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DiskError } from '../error.ts';
import { MemorySource } from '../source/memory-source.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../testing/corpus.ts';
import type { DiskImage, ReferenceOpener } from './image.ts';
import { openImage } from './open.ts';

// VHD and VHDX of Windows, Virtual PC, Disk2vhd, DiscUtils and qemu; the answers are those of qemu-img and libvhdi.

interface Answer {
  readonly qemu_img_info?: { readonly 'virtual-size': number };
  readonly raw_size?: number;
  readonly raw_sha256?: string;
}

/** Finds a parent beside the image. */
function besides(file: string): ReferenceOpener {
  return {
    open(name) {
      const parent = file.replace(/[^/]+$/, `${name}.xz`);
      if (name.includes('/'))
        throw new DiskError('denied', `Cannot open reference "${name}": it is not beside the image`);
      return new MemorySource(readCorpus(parent));
    },
  };
}

function open(file: string): DiskImage {
  return openImage(new MemorySource(readCorpus(file)), { references: besides(file) });
}

function sha256Of(image: DiskImage): string {
  const hash = createHash('sha256');
  for (let at = 0; at < image.sizeBytes; at += 2 ** 24) {
    hash.update(image.read(at, Math.min(2 ** 24, image.sizeBytes - at)));
  }
  return hash.digest('hex');
}

// hashing more takes seconds
const MOST_BYTES = 300 * 2 ** 20;

describe.skipIf(corpusAbsent !== undefined)('virtual hard disks of the corpus', () => {
  const answers = corpusFiles('formats/**/*.{vhd,vhdx}.*.ref.json').map((answer) => answer.replace(/\.ref\.json$/, ''));

  test('are there', () => {
    expect(answers.length).toBeGreaterThanOrEqual(12);
  });

  test.each(answers)('give the known answer: %s', { timeout: 30_000 }, (file) => {
    const answer: Answer = JSON.parse(readCorpusText(`${file}.ref.json`));
    const image = open(file);
    expect(image.sizeBytes).toBe(answer.qemu_img_info?.['virtual-size'] ?? answer.raw_size);
    if (answer.raw_sha256 !== undefined && image.sizeBytes <= MOST_BYTES)
      expect(sha256Of(image)).toBe(answer.raw_sha256);
    const end = [...image.extents()].reduce(
      (at, { offset, length }) => (offset === at ? offset + length : Number.NaN),
      0,
    );
    expect(end).toBe(image.sizeBytes);
  });

  test.each([
    ['formats/dfvfs/ntfs-differential.vhd.xz', 'ntfs-parent.vhd'],
    ['formats/dfvfs/fat-differential.vhdx.xz', 'fat-parent.vhdx'],
  ])('name their parent: %s', (file, parent) => {
    expect(open(file).facts).toMatchObject({ chain: [parent], warnings: [], details: { type: 'differencing' } });
  });

  test('tell of a size that only the geometry gives', () => {
    const { facts } = open('formats/qemu/virtualpc-dynamic.vhd.bz2');
    expect(facts.details).toMatchObject({ creator_application: 'vpc', current_size: 136_365_211_648 });
    expect(facts.warnings).toEqual([expect.stringContaining('by its geometry')]);
  });
});
