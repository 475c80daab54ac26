import { describe, expect, test } from 'vitest';
import { corpusAbsent, readCorpus } from '../../testing/corpus.ts';
import { readAll } from '../testing/read-all.ts';
import { openBytes } from './testing/image.ts';

describe.skipIf(corpusAbsent !== undefined)('EROFS images that others made', () => {
  test('are read, and have the identity that blkid says', () => {
    const fileSystem = openBytes(readCorpus('filesystems/util-linux/erofs.img.xz'));
    expect(fileSystem).toMatchObject({ uuid: '2375febf-f260-479d-ade7-952494047cb4', label: undefined, warnings: [] });
    readAll(fileSystem);
  });
});
