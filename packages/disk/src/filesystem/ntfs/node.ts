import { DiskError, type DiskErrorKind } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import type { DirectoryEntry, FileNode, FileStat, FileType } from '../file-system.ts';
import type { Attribute } from './attribute.ts';
import type { NtfsFile } from './file.ts';
import type { FileReference } from './file-record.ts';
import type { Files } from './files.ts';
import type { Folder, FolderEntry } from './folder.ts';
import { ATTRIBUTE_TYPE, REPARSE_TAG, WOF_STREAM } from './layout.ts';
import { openReparsed } from './reparsed-content.ts';
import { type FileKind, kindOf } from './special-file.ts';
import { readStandardInformation, type StandardInformation } from './standard-information.ts';
import { statOf } from './stat.ts';
import { readXattrs } from './xattrs.ts';

/** A file, folder, link or device of an NTFS volume. */
export class NtfsNode implements FileNode {
  readonly stat: FileStat;
  readonly #files: Files;
  readonly #file: NtfsFile;
  readonly #kind: FileKind;
  readonly #information: StandardInformation;

  constructor(files: Files, file: NtfsFile) {
    this.#files = files;
    this.#file = file;
    this.#information = readStandardInformation(file);
    this.#kind = kindOf(file, this.#information.attributes);
    this.stat = statOf(file, this.#information, this.#kind);
  }

  /** Whether a reference is to the file, and not to one that had its record before or after it. */
  isNamedBy({ sequence }: FileReference): boolean {
    return sequence === 0 || sequence === this.#file.record.sequence;
  }

  *list(): Generator<DirectoryEntry> {
    for (const entry of this.#folder().list()) yield this.#entry(entry);
  }

  lookup(name: string): FileNode | undefined {
    const reference = this.#folder().find(name, this.#information.isCaseSensitive);
    return reference && this.#files.node(reference);
  }

  open(): ByteSource {
    this.#expect('file', 'open');
    const { point } = this.#kind;
    if (point !== undefined) return openReparsed(this.#file, point);
    return this.#file.content(ATTRIBUTE_TYPE.DATA) ?? new MemorySource(new Uint8Array());
  }

  readlink(): string {
    this.#expect('symlink', 'read the target of');
    return this.#kind.target as string;
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return readXattrs(this.#file, this.#information, () => this.#files.security());
  }

  streams(): ReadonlyMap<string, ByteSource> {
    const names = new Set(
      this.#file.attributes.filter((attribute) => this.#isStream(attribute)).map(({ name }) => name),
    );
    return new Map([...names].map((name) => [name, this.#file.content(ATTRIBUTE_TYPE.DATA, name) as ByteSource]));
  }

  /** What the content is packed in is not shown beside it. */
  #isStream({ type, name }: Attribute): boolean {
    const isPacked = this.#kind.point?.tag === REPARSE_TAG.WOF && name === WOF_STREAM;
    return type === ATTRIBUTE_TYPE.DATA && name !== '' && !isPacked;
  }

  #folder(): Folder {
    this.#expect('directory', 'list');
    return this.#files.folder(this.#file);
  }

  #entry({ name, type, reference }: FolderEntry): DirectoryEntry {
    return { name, type, node: () => this.#files.node(reference) };
  }

  #expect(type: FileType, action: string): void {
    if (this.stat.type === type) return;
    const message = `Cannot ${action} file record ${this.stat.inode}: it is a ${this.stat.type}, expected a ${type}`;
    throw this.#error('not-found', message);
  }

  #error(kind: DiskErrorKind, message: string): DiskError {
    return new DiskError(kind, message, { format: 'ntfs', offset: this.#file.record.offset });
  }
}
