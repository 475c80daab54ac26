import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { ByteSource } from '../source/byte-source.ts';
import type { DirectoryEntry, FileNode, FileStat, FileSystem } from './file-system.ts';
import type { FileTree, Mount, WalkedFile, WalkOptions } from './file-tree.ts';
import { listFolder } from './listing.ts';
import { type Place, Resolver } from './resolver.ts';
import { walkFrom } from './walk.ts';

const DEFAULT_MAX_BYTES = 64 * 1024 * 1024;

/** The files of a guest: one filesystem, or several of which one is mounted on `/`. */
export function createFileTree(root: FileSystem | readonly Mount[]): FileTree {
  return new MountedTree('root' in root ? [{ path: '/', device: '', fileSystem: root }] : root);
}

class MountedTree implements FileTree {
  readonly #resolver: Resolver;

  constructor(mounts: readonly Mount[]) {
    this.#resolver = new Resolver(mounts);
  }

  find(path: string): FileNode | undefined {
    return this.#place(path)?.node;
  }

  findLink(path: string): FileNode | undefined {
    return this.#resolver.resolve(path, { followLast: false })?.node;
  }

  exists(path: string): boolean {
    return this.#place(path) !== undefined;
  }

  stat(path: string): FileStat {
    return this.#existing(path, 'stat').node.stat;
  }

  list(path: string): readonly DirectoryEntry[] {
    const place = this.#existing(path, 'list');
    if (place.node.stat.type === 'directory') return listFolder(this.#resolver, place);
    throw notFound(path, 'list', `it is a ${place.node.stat.type}, expected a directory`);
  }

  names(path: string): readonly string[] {
    const place = this.#place(path);
    if (place?.node.stat.type !== 'directory') return [];
    return listFolder(this.#resolver, place).map(({ name }) => name);
  }

  open(path: string): ByteSource {
    return this.#openNode(path, this.#existing(path, 'open').node);
  }

  readFile(path: string, maxBytes = DEFAULT_MAX_BYTES): Uint8Array {
    return readWhole(path, this.open(path), maxBytes);
  }

  readText(path: string, maxBytes = DEFAULT_MAX_BYTES): string | undefined {
    const node = this.find(path);
    if (node?.stat.type !== 'file') return undefined;
    return new TextDecoder().decode(readWhole(path, node.open(), maxBytes));
  }

  readlink(path: string): string | undefined {
    const node = this.findLink(path);
    return node?.stat.type === 'symlink' ? node.readlink() : undefined;
  }

  realpath(path: string): string | undefined {
    return this.#place(path)?.path;
  }

  walk(path = '/', options: WalkOptions = {}): Iterable<WalkedFile> {
    return walkFrom(this.#resolver, this.#existing(path, 'walk'), options);
  }

  #place(path: string): Place | undefined {
    return this.#resolver.resolve(path, { followLast: true });
  }

  #existing(path: string, action: string): Place {
    const place = this.#place(path);
    if (place === undefined) throw notFound(path, action, 'it does not exist');
    return place;
  }

  #openNode(path: string, node: FileNode): ByteSource {
    if (node.stat.type === 'file') return node.open();
    throw notFound(path, 'open', `it is a ${node.stat.type}, expected a file`);
  }
}

function readWhole(path: string, content: ByteSource, maxBytes: number): Uint8Array {
  if (content.sizeBytes <= maxBytes) return content.read(0, content.sizeBytes);
  const message = `Cannot read ${quote(path)}: it has ${content.sizeBytes} bytes, expected at most ${maxBytes}`;
  throw new DiskError('unsupported', message, { path });
}

function notFound(path: string, action: string, state: string): DiskError {
  return new DiskError('not-found', `Cannot ${action} ${quote(path)}: ${state}`, { path });
}
