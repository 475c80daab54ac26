import { describe, expect, test } from 'vitest';
import { listTree } from '../../../../../test/support/tree-listing.ts';
import { corpusAbsent, corpusFiles, readCorpus, readCorpusText } from '../../testing/corpus.ts';
import { createFileTree } from '../tree.ts';
import { openBytes } from './testing/image.ts';

interface Reference {
  readonly fs?: {
    readonly blkid?: { readonly TYPE?: string };
    readonly tree?: readonly Readonly<Record<string, unknown>>[];
  };
}

describe.skipIf(corpusAbsent !== undefined)('squashfs images that others made', () => {
  const known = corpusFiles('filesystems/**/*.ref.json').filter((file) => {
    const { fs }: Reference = JSON.parse(readCorpusText(file));
    return fs?.blkid?.TYPE === 'squashfs' && fs.tree !== undefined;
  });

  test('are there', () => {
    expect(known.length).toBeGreaterThan(0);
  });

  test.each(known)('%s shows the files that the kernel showed', (file) => {
    const { fs }: Reference = JSON.parse(readCorpusText(file));
    const files = listTree(createFileTree(openBytes(readCorpus(file.replace(/\.ref\.json$/, '')))));
    for (const expected of fs?.tree ?? []) {
      expect(files).toContainEqual(
        expect.objectContaining(expected.type === 'file' ? expected : { path: expected.path }),
      );
    }
    expect(files.length).toBeGreaterThanOrEqual(fs?.tree?.length ?? 0);
  });
});
