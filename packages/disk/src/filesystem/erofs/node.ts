import type { MappedSource } from '../../source/extent.ts';
import type { DirectoryEntry, FileNode, FileStat, FileType } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { decodeName } from '../name.ts';
import { NameIndex } from '../name-index.ts';
import { type FolderEntry, readFolder } from './directory.ts';
import { corrupt } from './error.ts';
import { openContent } from './file-content.ts';
import { type Inode, readInode } from './inode.ts';
import type { ErofsVolume } from './volume.ts';
import { readXattrs } from './xattr.ts';

/** The longest target that Linux follows. */
const MOST_TARGET_BYTES = 4096;

/** What the nodes of one filesystem share. */
interface Shared {
  readonly volume: ErofsVolume;
  readonly folders: NameIndex<FolderEntry>;
}

export function rootNode(volume: ErofsVolume): FileNode {
  const root = new ErofsNode({ volume, folders: new NameIndex() }, volume.superblock.root);
  if (root.stat.type === 'directory') return root;
  throw corrupt(
    `Cannot open filesystem: its root is a ${root.stat.type}, expected a directory`,
    volume.superblock.inodesAt,
  );
}

/** A file, folder, link or device of an EROFS filesystem. */
class ErofsNode implements FileNode {
  readonly #shared: Shared;
  readonly #inode: Inode;

  constructor(shared: Shared, number: number) {
    this.#shared = shared;
    this.#inode = readInode(shared.volume, number);
  }

  get stat(): FileStat {
    return this.#inode.stat;
  }

  *list(): Generator<DirectoryEntry> {
    this.#expect('directory', 'list');
    for (const { name, type, inode } of readFolder(this.#shared.volume, this.#inode)) {
      yield { name, type, node: () => new ErofsNode(this.#shared, inode) };
    }
  }

  lookup(name: string): FileNode | undefined {
    this.#expect('directory', 'list');
    const { volume, folders } = this.#shared;
    const entry = folders.find(this.stat.inode, name, () => namedEntries(volume, this.#inode));
    return entry && new ErofsNode(this.#shared, entry.inode);
  }

  open(): MappedSource {
    this.#expect('file', 'open');
    return openContent(this.#shared.volume, this.#inode);
  }

  readlink(): string {
    this.#expect('symlink', 'read the target of');
    const { sizeBytes, inode } = this.stat;
    if (sizeBytes > MOST_TARGET_BYTES) {
      throw corrupt(`Cannot read link ${inode}: its target has ${sizeBytes} bytes`, this.#inode.at);
    }
    return decodeName(openContent(this.#shared.volume, this.#inode).read(0, sizeBytes));
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return readXattrs(this.#shared.volume, this.#inode);
  }

  #expect(type: FileType, action: string): void {
    if (this.stat.type !== type) throw misfit(action, this.stat, type, { format: 'erofs', offset: this.#inode.at });
  }
}

function* namedEntries(volume: ErofsVolume, inode: Inode): Generator<readonly [string, FolderEntry]> {
  for (const entry of readFolder(volume, inode)) yield [entry.name, entry];
}
