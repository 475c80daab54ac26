import { DiskError, type DiskErrorKind } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DirectoryEntry, FileNode, FileStat, FileType } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { type DirectoryRecord, readDirectory } from './directory.ts';
import { ExtentMap } from './extent-map.ts';
import { has } from './features.ts';
import { fileContent } from './file-content.ts';
import type { Inode } from './inode.ts';
import type { Inodes } from './inodes.ts';
import { INODE_FLAG } from './layout.ts';
import { foldName } from './name-key.ts';
import { readTarget } from './symlink.ts';
import type { XfsVolume } from './volume.ts';
import { readXattrs } from './xattr.ts';

/** A file, folder, link or device of an XFS filesystem. */
export class XfsNode implements FileNode {
  readonly stat: FileStat;
  readonly #volume: XfsVolume;
  readonly #inodes: Inodes;
  readonly #inode: Inode;

  constructor(volume: XfsVolume, inodes: Inodes, inode: Inode) {
    this.stat = inode.stat;
    this.#volume = volume;
    this.#inodes = inodes;
    this.#inode = inode;
  }

  *list(): Generator<DirectoryEntry> {
    for (const { name, type, inode } of this.#records()) {
      yield { name, type, node: () => this.#inodes.node(inode) };
    }
  }

  lookup(name: string): FileNode | undefined {
    const number = this.#find(name);
    return number === undefined ? undefined : this.#inodes.node(number);
  }

  open(): ByteSource {
    this.#expect('file', 'open');
    if (has(this.#inode.flags, INODE_FLAG.REALTIME)) {
      throw this.#error('unsupported', `Cannot open inode ${this.stat.inode}: its content is on the realtime device`);
    }
    return fileContent(this.#volume, this.#map(), this.stat.sizeBytes);
  }

  readlink(): string {
    this.#expect('symlink', 'read the target of');
    return readTarget(this.#volume, this.#inode);
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return readXattrs(this.#volume, this.#inode);
  }

  #records(): Iterable<DirectoryRecord> {
    this.#expect('directory', 'list');
    return readDirectory(this.#volume, this.#inode);
  }

  #find(name: string): number | undefined {
    const keyOf = this.#volume.superblock.isCaseSensitive ? (stored: string) => stored : foldName;
    return this.#inodes.folders.find(this.stat.inode, keyOf(name), () => keyed(this.#records(), keyOf));
  }

  #map(): ExtentMap {
    return new ExtentMap(this.#volume, this.stat.inode, this.#inode.content);
  }

  #expect(type: FileType, action: string): void {
    if (this.stat.type !== type) throw misfit(action, this.stat, type, this.#place);
  }

  get #place() {
    return { format: 'xfs', offset: this.#inode.offset };
  }

  #error(kind: DiskErrorKind, message: string): DiskError {
    return new DiskError(kind, message, this.#place);
  }
}

function* keyed(
  records: Iterable<DirectoryRecord>,
  keyOf: (name: string) => string,
): Generator<readonly [string, number]> {
  for (const { name, inode } of records) yield [keyOf(name), inode];
}
