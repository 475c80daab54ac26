import {
  type ByteSource,
  type DirectoryEntry,
  DiskError,
  type FileNode,
  type FileStat,
  type FileSystem,
  type FileType,
  MemorySource,
} from '@guestkit/disk';

/** A link, a folder that must exist though empty, a device, or a file that cannot be read: `{ link: '../usr/lib/os-release' }`. */
export type MemoryEntry =
  | string
  | Uint8Array
  | { readonly link: string }
  | { readonly directory: true }
  | { readonly device: true }
  | { readonly error: DiskError };

/** Absolute paths and what stands there; folders on the way need not be named. */
export type MemoryFiles = Readonly<Record<string, MemoryEntry>>;

/** A filesystem held in memory, for tests of what reads files. */
export function memoryFileSystem(files: MemoryFiles, identity: Partial<FileSystem> = {}): FileSystem {
  return {
    type: 'ext4',
    label: undefined,
    uuid: undefined,
    sizeBytes: 2 ** 20,
    freeBytes: undefined,
    isCaseSensitive: true,
    warnings: [],
    ...identity,
    root: new MemoryNode(plant(files)),
  };
}

type Folder = Map<string, Folder | MemoryEntry>;

function plant(files: MemoryFiles): Folder {
  const root: Folder = new Map();
  for (const [path, entry] of Object.entries(files)) {
    const names = path.split('/').filter((name) => name !== '');
    const last = names.pop() ?? '';
    const folder = names.reduce(subfolder, root);
    if (isFolder(entry)) subfolder(folder, last);
    else folder.set(last, entry);
  }
  return root;
}

function isFolder(entry: MemoryEntry): boolean {
  return typeof entry === 'object' && 'directory' in entry;
}

function subfolder(folder: Folder, name: string): Folder {
  const existing = folder.get(name);
  if (existing instanceof Map) return existing;
  const created: Folder = new Map();
  folder.set(name, created);
  return created;
}

class MemoryNode implements FileNode {
  readonly #content: Folder | MemoryEntry;

  constructor(content: Folder | MemoryEntry) {
    this.#content = content;
  }

  get stat(): FileStat {
    const epoch = { seconds: 0, nanoseconds: 0 };
    const type = typeOf(this.#content);
    return {
      type,
      mode: type === 'directory' ? 0o755 : 0o644,
      uid: 0,
      gid: 0,
      sizeBytes: bytesOf(this.#content).length,
      links: 1,
      inode: 0,
      modifiedAt: epoch,
      changedAt: epoch,
      accessedAt: epoch,
    };
  }

  *list(): Iterable<DirectoryEntry> {
    for (const [name, content] of this.folder()) {
      yield { name, type: typeOf(content), node: () => new MemoryNode(content) };
    }
  }

  lookup(name: string): FileNode | undefined {
    const content = this.folder().get(name);
    return content === undefined ? undefined : new MemoryNode(content);
  }

  open(): ByteSource {
    const content = this.#content;
    if (typeOf(content) !== 'file') throw new DiskError('unsupported', 'Cannot open: not a file');
    if (typeof content === 'object' && 'error' in content) throw content.error;
    const bytes = bytesOf(content);
    return new MemorySource(bytes);
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }

  readlink(): string {
    if (typeof this.#content === 'object' && 'link' in this.#content) return this.#content.link;
    throw new DiskError('unsupported', 'Cannot read link: not a link');
  }

  private folder(): Folder {
    if (this.#content instanceof Map) return this.#content;
    throw new DiskError('unsupported', 'Cannot list: not a folder');
  }
}

function typeOf(content: Folder | MemoryEntry): FileType {
  if (content instanceof Map) return 'directory';
  if (typeof content !== 'object' || content instanceof Uint8Array || 'error' in content) return 'file';
  return 'link' in content ? 'symlink' : 'character';
}

function bytesOf(content: Folder | MemoryEntry): Uint8Array {
  if (typeof content === 'string') return new TextEncoder().encode(content);
  return content instanceof Uint8Array ? content : new Uint8Array();
}
