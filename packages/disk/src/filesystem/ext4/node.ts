import { DiskError, type DiskErrorKind } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { DirectoryEntry, FileNode, FileStat, FileType } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { decodeName } from '../name.ts';
import { readAccessList } from './access-list.ts';
import type { BlockMap } from './block-map.ts';
import { type DirectoryRecord, readDirectory, readInlineDirectory } from './directory.ts';
import { has } from './features.ts';
import { FileContent, MAX_FILE_BLOCKS } from './file-content.ts';
import { foldName, sameName } from './fold-name.ts';
import type { NameKey } from './folder-index.ts';
import { InlineContent } from './inline-data.ts';
import type { Inode } from './inode.ts';
import type { Inodes } from './inodes.ts';
import { I_BLOCK_SIZE, INODE_FLAG } from './layout.ts';
import type { Ext4Volume } from './volume.ts';
import { readXattrs, type Xattr } from './xattr.ts';

/** The longest target that Linux follows. */
const MAX_TARGET_BYTES = 4096;
/** The largest value of an attribute that Linux hands out. */
const MAX_XATTR_BYTES = 65_536;

/** A file, folder, link or device of an ext filesystem. */
export class Ext4Node implements FileNode {
  readonly stat: FileStat;
  readonly #volume: Ext4Volume;
  readonly #inodes: Inodes;
  readonly #inode: Inode;

  constructor(volume: Ext4Volume, inodes: Inodes, inode: Inode) {
    this.stat = inode.stat;
    this.#volume = volume;
    this.#inodes = inodes;
    this.#inode = inode;
  }

  *list(): Generator<DirectoryEntry> {
    for (const record of this.#records()) yield this.#entry(record);
  }

  lookup(name: string): FileNode | undefined {
    const number = this.#inodes.folders.find(this.stat.inode, name, () => this.#records(), this.#nameKey());
    return number === undefined ? undefined : this.#inodes.named(number);
  }

  open(): ByteSource {
    this.#expect('file', 'open');
    this.#refuseEncrypted();
    return this.#content();
  }

  readlink(): string {
    this.#expect('symlink', 'read the target of');
    this.#refuseEncrypted();
    const target = this.#isFastLink() ? this.#inode.blockArea.subarray(0, this.stat.sizeBytes) : this.#storedTarget();
    const end = target.indexOf(0);
    return decodeName(end < 0 ? target : target.subarray(0, end));
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    const xattrs = new Map<string, Uint8Array>();
    for (const xattr of readXattrs(this.#volume, this.#inode)) {
      const value = this.#valueOf(xattr);
      xattrs.set(xattr.name, xattr.isAccessList ? readAccessList(value, this.#inode.offset) : value);
    }
    return xattrs;
  }

  #records(): Iterable<DirectoryRecord> {
    this.#expect('directory', 'list');
    this.#refuseEncrypted();
    return this.#inodes.recordsOf(this.stat.inode, this.#storedRecords(), this.#nameKey());
  }

  #storedRecords(): Iterable<DirectoryRecord> {
    if (this.#is(INODE_FLAG.INLINE_DATA)) return readInlineDirectory(this.#volume, this.#inode);
    return readDirectory(this.#volume, this.#inode, this.#map());
  }

  #nameKey(): NameKey {
    return this.#is(INODE_FLAG.CASEFOLD) ? foldName : sameName;
  }

  #entry({ name, type, inode }: DirectoryRecord): DirectoryEntry {
    return { name, type, node: () => this.#inodes.named(inode) };
  }

  #content(): ByteSource {
    if (this.#is(INODE_FLAG.INLINE_DATA)) return new InlineContent(this.#inode);
    const { sizeBytes } = this.stat;
    if (sizeBytes > MAX_FILE_BLOCKS * this.#volume.superblock.blockSize) {
      throw this.#error(
        'corrupt',
        `Cannot open inode ${this.stat.inode}: ${sizeBytes} bytes are more than a file can have`,
      );
    }
    return new FileContent(this.#volume, this.#map(), sizeBytes);
  }

  #map(): BlockMap {
    return this.#inodes.mapOf(this.#inode);
  }

  /** A short target takes the place of the block pointers: nothing is allocated then, but for a block of attributes. */
  #isFastLink(): boolean {
    const { allocated, xattrBlock } = this.#inode;
    const forXattrs = xattrBlock === 0 ? 0 : this.#volume.superblock.clusterSize / 512;
    return !this.#is(INODE_FLAG.INLINE_DATA) && allocated === forXattrs && this.stat.sizeBytes < I_BLOCK_SIZE;
  }

  #storedTarget(): Uint8Array {
    const { sizeBytes, inode } = this.stat;
    if (sizeBytes > MAX_TARGET_BYTES) {
      throw this.#error('corrupt', `Cannot read link in inode ${inode}: ${sizeBytes} bytes, expected at most 4096`);
    }
    return this.#content().read(0, sizeBytes);
  }

  #valueOf({ name, value, valueInode, valueSize }: Xattr): Uint8Array {
    if (valueInode === 0) return value;
    const node = this.#inodes.ofXattrValue(valueInode);
    if (node.stat.sizeBytes === valueSize && valueSize <= MAX_XATTR_BYTES) return node.open().read(0, valueSize);
    const state = `inode ${valueInode} has ${node.stat.sizeBytes} bytes, expected ${valueSize} and at most ${MAX_XATTR_BYTES}`;
    throw this.#error('corrupt', `Cannot read attribute "${name}" of inode ${this.stat.inode}: ${state}`);
  }

  #is(flag: number): boolean {
    return has(this.#inode.flags, flag);
  }

  #refuseEncrypted(): void {
    if (!this.#is(INODE_FLAG.ENCRYPT)) return;
    throw this.#error('encrypted', `Cannot read inode ${this.stat.inode}: it is encrypted, its key is needed`);
  }

  #expect(type: FileType, action: string): void {
    if (this.stat.type !== type) throw misfit(action, this.stat, type, this.#place);
  }

  get #place() {
    return { format: 'ext4', offset: this.#inode.offset };
  }

  #error(kind: DiskErrorKind, message: string): DiskError {
    return new DiskError(kind, message, this.#place);
  }
}
