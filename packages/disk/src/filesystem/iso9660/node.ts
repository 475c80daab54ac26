import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DirectoryEntry, FileNode, FileStat } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { decodeName } from '../name.ts';
import { NameIndex } from '../name-index.ts';
import { type ByteRun, RunContent } from '../run-content.ts';
import { permissionsOfMode } from '../unix-mode.ts';
import { corrupt } from './error.ts';
import { joinTarget } from './link-target.ts';
import type { DirectoryRecord } from './record.ts';
import { type RockRidge, readRockRidge } from './rock-ridge.ts';
import { type FolderEntry, type IsoTree, readFolder } from './tree.ts';
import { openZisofs } from './zisofs.ts';

/** Without Rock Ridge all is root's, and may be read and run by all, as Linux shows it. */
const PLAIN_MODE = 0o555;
/** A record has at least 34 bytes, so that places of records are told apart by less than this. */
const PLACE_UNIT = 32;

/** What the nodes of one filesystem share. */
interface Shared {
  readonly tree: IsoTree;
  readonly folders: NameIndex<FolderEntry>;
}

export function rootNode(tree: IsoTree): FileNode {
  return new IsoFolder({ tree, folders: new NameIndex() }, tree.root.offset);
}

function nodeOf(shared: Shared, entry: FolderEntry): FileNode {
  if (entry.type !== 'directory') return new IsoFile(shared, entry);
  const { childBlock } = entry.rockRidge ?? {};
  const moved = childBlock === undefined ? undefined : childBlock * shared.tree.volume.blockSize;
  return new IsoFolder(shared, moved ?? entry.first.extent.offset);
}

/** Known by where it is: what is to be said of a folder stands in the first record of its own. */
class IsoFolder implements FileNode {
  readonly stat: FileStat;
  readonly #shared: Shared;
  readonly #extent: ByteRun;

  constructor(shared: Shared, at: number) {
    const { volume, sharing } = shared.tree;
    const record = volume.ownRecord(at);
    this.#shared = shared;
    this.#extent = { offset: at, length: record.extent.length };
    const rockRidge = sharing && readRockRidge(volume, record, sharing);
    const sizeBytes = record.extent.length;
    this.stat = {
      type: 'directory',
      ...ownership(rockRidge),
      ...timesOf(record, rockRidge),
      sizeBytes,
      inode: at / PLACE_UNIT,
    };
  }

  *list(): Generator<DirectoryEntry> {
    for (const entry of readFolder(this.#shared.tree, this.#extent)) {
      yield { name: entry.name, type: entry.type, node: () => nodeOf(this.#shared, entry) };
    }
  }

  lookup(name: string): FileNode | undefined {
    const { tree, folders } = this.#shared;
    const { fold } = tree.naming;
    const entry = folders.find(this.#extent.offset, fold(name), () => foldedEntries(tree, this.#extent));
    return entry && nodeOf(this.#shared, entry);
  }

  open(): ByteSource {
    throw misfit('open', this.stat, 'file', { format: 'iso9660', offset: this.#extent.offset });
  }

  readlink(): string {
    throw misfit('read the target of', this.stat, 'symlink', { format: 'iso9660', offset: this.#extent.offset });
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }
}

function* foldedEntries(tree: IsoTree, folder: ByteRun): Generator<readonly [string, FolderEntry]> {
  for (const entry of readFolder(tree, folder)) yield [tree.naming.fold(entry.name), entry];
}

class IsoFile implements FileNode {
  readonly stat: FileStat;
  readonly #shared: Shared;
  readonly #entry: FolderEntry;

  constructor(shared: Shared, entry: FolderEntry) {
    this.#shared = shared;
    this.#entry = entry;
    const { first, rockRidge, type } = entry;
    const device = type === 'character' || type === 'block' ? rockRidge?.device : undefined;
    this.stat = {
      type,
      ...ownership(rockRidge),
      ...timesOf(first, rockRidge),
      sizeBytes: sizeOf(entry),
      inode: numberOf(entry),
      ...(device && { device }),
    };
  }

  // biome-ignore lint/correctness/useYield: a file has no entries, and says so when it is asked for the first
  *list(): Generator<DirectoryEntry> {
    throw misfit('list', this.stat, 'directory', { format: 'iso9660', offset: this.#entry.first.at });
  }

  lookup(): FileNode | undefined {
    throw misfit('list', this.stat, 'directory', { format: 'iso9660', offset: this.#entry.first.at });
  }

  open(): ByteSource {
    const { first, extents, type, rockRidge } = this.#entry;
    if (type !== 'file') throw misfit('open', this.stat, 'file', { format: 'iso9660', offset: first.at });
    if (first.isInterleaved) throw interleaved(first);
    const { source } = this.#shared.tree.volume;
    for (const { offset, length } of extents) {
      if (length > 0 && offset + length > source.sizeBytes) {
        throw corrupt(
          `Cannot open file: it ends at ${offset + length}, the filesystem at ${source.sizeBytes}`,
          first.at,
        );
      }
    }
    const stored = new RunContent(source, extents, totalBytes(extents));
    return rockRidge?.zisofs === undefined ? stored : openZisofs(stored, rockRidge.zisofs, first.extent.offset);
  }

  readlink(): string {
    const { type, rockRidge, first } = this.#entry;
    if (type !== 'symlink')
      throw misfit('read the target of', this.stat, 'symlink', { format: 'iso9660', offset: first.at });
    if (rockRidge?.target === undefined) throw corrupt('Cannot read link: it has no target', first.at);
    return decodeName(joinTarget(rockRidge.target, first.at));
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }
}

function ownership(rockRidge: RockRidge | undefined) {
  const posix = rockRidge?.posix;
  if (posix === undefined) return { mode: PLAIN_MODE, uid: 0, gid: 0, links: 1 };
  return { mode: permissionsOfMode(posix.mode), uid: posix.uid, gid: posix.gid, links: posix.links };
}

function timesOf({ recordedAt }: DirectoryRecord, rockRidge: RockRidge | undefined) {
  const { created, modified, accessed, changed } = rockRidge?.times ?? {};
  return {
    modifiedAt: modified ?? recordedAt,
    changedAt: changed ?? created ?? recordedAt,
    accessedAt: accessed ?? recordedAt,
    ...(created && { createdAt: created }),
  };
}

function sizeOf({ type, extents, rockRidge, first }: FolderEntry): number {
  if (type === 'symlink') return joinTarget(rockRidge?.target ?? [], first.at).length;
  return type === 'file' ? (rockRidge?.zisofs?.sizeBytes ?? totalBytes(extents)) : 0;
}

function totalBytes(extents: readonly ByteRun[]): number {
  return extents.reduce((total, { length }) => total + length, 0);
}

/** Linux numbers files by the places of their records; the names of one file have a number in common, where it can be told. */
function numberOf({ first, rockRidge, type }: FolderEntry): number {
  const { serial, links = 1 } = rockRidge?.posix ?? {};
  if (serial !== undefined && serial !== 0) return serial;
  const isShared = links > 1 && type === 'file' && first.extent.length > 0;
  return Math.floor((isShared ? first.extent.offset : first.at) / PLACE_UNIT);
}

function interleaved({ at }: DirectoryRecord): DiskError {
  return new DiskError('unsupported', 'Cannot open file: it is interleaved', { format: 'iso9660', offset: at });
}
