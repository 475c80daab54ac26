import type { MappedSource } from '../../source/extent.ts';
import type { DirectoryEntry, FileNode, FileStat, FileType } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { decodeName } from '../name.ts';
import { NameIndex } from '../name-index.ts';
import { type FolderEntry, readFolder } from './directory.ts';
import { corrupt } from './error.ts';
import { openContent } from './file-content.ts';
import { type Inode, readInode } from './inode.ts';
import { SUPERBLOCK } from './layout.ts';
import type { MetadataPlace } from './superblock.ts';
import type { SquashfsVolume } from './volume.ts';
import { readXattrs } from './xattr.ts';

/** What the nodes of one filesystem share. */
export interface Shared {
  readonly volume: SquashfsVolume;
  readonly folders: NameIndex<FolderEntry>;
}

export function rootNode(volume: SquashfsVolume): FileNode {
  const root = new SquashfsNode({ volume, folders: new NameIndex() }, volume.superblock.root);
  if (root.stat.type === 'directory') return root;
  throw corrupt(
    `Cannot open filesystem: its root is a ${root.stat.type}, expected a directory`,
    SUPERBLOCK.root_inode[0],
  );
}

/** A file, folder, link or device of a squashfs filesystem. */
class SquashfsNode implements FileNode {
  readonly #shared: Shared;
  readonly #inode: Inode;

  constructor(shared: Shared, place: MetadataPlace) {
    this.#shared = shared;
    this.#inode = readInode(shared.volume, place);
  }

  get stat(): FileStat {
    return this.#inode.stat;
  }

  *list(): Generator<DirectoryEntry> {
    this.#expect('directory', 'list');
    for (const { name, type, inode } of readFolder(this.#shared.volume, this.#inode)) {
      yield { name, type, node: () => new SquashfsNode(this.#shared, inode) };
    }
  }

  lookup(name: string): FileNode | undefined {
    this.#expect('directory', 'list');
    const { volume, folders } = this.#shared;
    const read = () => [...readFolder(volume, this.#inode)].map((entry) => [entry.name, entry] as const);
    const entry = folders.find(this.stat.inode, name, read);
    return entry && new SquashfsNode(this.#shared, entry.inode);
  }

  open(): MappedSource {
    this.#expect('file', 'open');
    return openContent(this.#shared.volume, this.#inode);
  }

  readlink(): string {
    this.#expect('symlink', 'read the target of');
    return decodeName(this.#inode.target ?? new Uint8Array());
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    const { xattr } = this.#inode;
    return xattr === undefined ? new Map() : readXattrs(this.#shared.volume, xattr);
  }

  #expect(type: FileType, action: string): void {
    if (this.stat.type !== type) throw misfit(action, this.stat, type, { format: 'squashfs', offset: this.#inode.at });
  }
}
