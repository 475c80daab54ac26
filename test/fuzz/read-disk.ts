import { type ByteSource, DiskError, openDisk, type ReferenceOpener } from '@guestkit/disk';
import { survives } from '../../packages/disk/src/filesystem/testing/survives.ts';
import { type Extent, extentsOf } from '../../packages/disk/src/source/extent.ts';
import { MemorySource } from '../../packages/disk/src/source/memory-source.ts';
import type { Surroundings } from './family.ts';

const PIECE_BYTES = 64 * 1024;
/** Pieces read of one source: of a hostile one there may be billions. */
const MOST_PIECES = 32;

/** Takes a disk apart as a user would, and reads some of every part. */
export function readDisk(
  source: ByteSource,
  { files, note }: Surroundings,
  passphrases: readonly Uint8Array[] = [],
): void {
  const disk = openDisk(source, { references: fromFiles(files), passphrases });
  JSON.stringify([disk.image.facts, disk.table]);
  readPieces(disk.image);
  for (const { source: volume, fileSystem, error } of disk.volumes) {
    if (error !== undefined) note(error);
    attempt(() => readPieces(volume), note);
    if (fileSystem !== undefined) survives(() => fileSystem, 'inner', note);
  }
}

/** The whole map, the front of what is stored, and both ends. */
function readPieces(source: ByteSource): void {
  const stored: Extent[] = [];
  for (const extent of extentsOf(source, 0, source.sizeBytes)) {
    if (extent.kind === 'data' && stored.length < MOST_PIECES) stored.push(extent);
  }
  for (const { offset, length } of stored) source.read(offset, Math.min(length, PIECE_BYTES));
  const most = Math.min(source.sizeBytes, PIECE_BYTES);
  source.read(0, most);
  source.read(source.sizeBytes - most, most);
}

function attempt(action: () => void, note: Surroundings['note']): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof DiskError)) throw error;
    note(error);
  }
}

function fromFiles(files: Readonly<Record<string, Uint8Array>>): ReferenceOpener {
  return {
    open(name) {
      const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
      if (bytes !== undefined) return new MemorySource(bytes);
      throw new DiskError('denied', `Cannot open reference "${name}": there is no such file`);
    },
  };
}
