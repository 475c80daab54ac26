import {
  chmodSync,
  closeSync,
  constants,
  ftruncateSync,
  lchownSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
} from 'node:fs';
import { type ByteSource, encodeName, extentsOf, type FileNode, type FileStat, type FileType } from '@guestkit/disk';
import { dataRuns, writeWhole } from '@guestkit/operations/sparse-file';
import { CommandError } from '../../exit-code.ts';
import { componentsOf, type FoundFile } from '../file-entry.ts';

export interface ExtractionOptions {
  /** Keep the owners of the guest: takes root. */
  readonly owners?: true;
  /** Make links that lead out of what is extracted too. */
  readonly links?: true;
  /** Most bytes to write. */
  readonly limitBytes: number;
}

interface Skipped {
  readonly path: string;
  readonly reason: string;
}

interface Later {
  readonly target: Buffer;
  readonly stat: FileStat;
}

const CHUNK_BYTES = 2 ** 18;
const MAX_SKIPPED_TOLD = 1000;
// whoever reads a copy must be able to enter and delete it: folders get their own mode last
const MODE_WHILE_WRITING = 0o700;
const PERMISSIONS = 0o777;
const COPIED: ReadonlySet<FileType> = new Set(['file', 'directory', 'symlink']);

/**
 * Writes files of a guest into a folder that nothing else writes to. Links are made last, so that none of them is there to be
 * followed while files are written; setuid, setgid and sticky bits, devices, pipes and sockets are left out.
 */
export class Extraction {
  files = 0;
  folders = 0;
  links = 0;
  bytes = 0;
  readonly skipped: Skipped[] = [];
  readonly #root: string;
  readonly #options: ExtractionOptions;
  readonly #madeFolders = new Set<string>();
  readonly #folders: Later[] = [];
  readonly #links: (Later & { readonly to: Buffer })[] = [];

  constructor(root: string, options: ExtractionOptions) {
    this.#root = root;
    this.#options = options;
  }

  /** A folder comes before what is in it. @throws DiskError for what cannot be read, the host's own error where it refuses */
  add(file: FoundFile): void {
    const reason = this.#reasonToSkip(file);
    if (reason !== undefined) this.#skip({ path: file.path, reason });
    else if (file.node.stat.type === 'directory') this.#addFolder(file);
    else if (file.node.stat.type === 'symlink') this.#addLink(file);
    else this.#addFile(file);
  }

  #reasonToSkip({ path, node }: FoundFile): string | undefined {
    const { type } = node.stat;
    if (componentsOf(path).some(isUnsafe)) return 'its name is none for a file of this host';
    if (!COPIED.has(type)) return `it is a ${type}`;
    const isLoose = type === 'symlink' && this.#options.links !== true && !staysWithin(path, node.readlink());
    return isLoose ? 'it is a link that leads out of what is extracted' : undefined;
  }

  /** Makes the links, and gives folders their modes and times: what is written into a folder changes its time. */
  finish(): void {
    for (const { target, stat, to } of this.#links) {
      symlinkSync(to, target);
      this.links += 1;
      this.#own(target, stat);
    }
    for (const { target, stat } of this.#folders.reverse()) {
      this.#own(target, stat);
      chmodSync(target, stat.mode & PERMISSIONS);
      lutimesSync(target, ...times(stat));
    }
  }

  #addFolder({ path: guestPath, node }: FoundFile): void {
    const target = this.#place(guestPath);
    if (this.#madeFolders.has(guestPath)) return;
    if (guestPath !== '/') mkdirSync(target, { mode: MODE_WHILE_WRITING });
    this.#madeFolders.add(guestPath);
    this.#folders.push({ target, stat: node.stat });
    this.folders += 1;
  }

  #addFile({ path: guestPath, node }: FoundFile): void {
    // opened first: what cannot be read leaves no empty file
    const content = node.open();
    const target = this.#place(guestPath);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(target, flags, 0o600);
    try {
      this.#copy(guestPath, content, fd);
    } finally {
      closeSync(fd);
    }
    this.files += 1;
    this.#finishFile(target, node);
  }

  #finishFile(target: Buffer, { stat }: FileNode): void {
    this.#own(target, stat);
    chmodSync(target, stat.mode & PERMISSIONS);
    lutimesSync(target, ...times(stat));
  }

  /** Holes stay holes. */
  #copy(guestPath: string, content: ByteSource, fd: number): void {
    for (const { kind, offset, length } of extentsOf(content, 0, content.sizeBytes)) {
      if (kind !== 'data') continue;
      for (let at = offset; at < offset + length; at += CHUNK_BYTES) {
        const chunk = content.read(at, Math.min(CHUNK_BYTES, offset + length - at));
        // not every format tells where its holes are
        for (const [start, end] of dataRuns(chunk, at)) {
          this.#spend(guestPath, end - start);
          writeWhole(fd, chunk.subarray(start, end), at + start);
        }
      }
    }
    ftruncateSync(fd, content.sizeBytes);
  }

  #spend(guestPath: string, bytes: number): void {
    this.bytes += bytes;
    if (this.bytes <= this.#options.limitBytes) return;
    const state = `there are more than ${this.#options.limitBytes} bytes to write`;
    throw new CommandError('denied', `Cannot extract "${guestPath}": ${state}; raise --limit-bytes`);
  }

  #addLink({ path, node }: FoundFile): void {
    const to = Buffer.from(encodeName(node.readlink()));
    this.#links.push({ target: this.#place(path), stat: node.stat, to });
  }

  /** Folders on the way to what is extracted alone are made too, and are the user's own. */
  #place(guestPath: string): Buffer {
    const names = componentsOf(guestPath);
    for (let depth = 1; depth < names.length; depth++) {
      const folder = `/${names.slice(0, depth).join('/')}`;
      if (this.#madeFolders.has(folder)) continue;
      mkdirSync(this.#hostPath(folder), { mode: MODE_WHILE_WRITING });
      this.#madeFolders.add(folder);
    }
    return this.#hostPath(guestPath);
  }

  #hostPath(guestPath: string): Buffer {
    const below = componentsOf(guestPath).map((name) => `/${name}`);
    return Buffer.concat([Buffer.from(this.#root), encodeName(below.join(''))]);
  }

  #own(target: Buffer, { uid, gid }: FileStat): void {
    if (this.#options.owners === true) lchownSync(target, uid, gid);
  }

  #skip(skipped: Skipped): void {
    if (this.skipped.length < MAX_SKIPPED_TOLD) this.skipped.push(skipped);
  }
}

/** Formats other than those of Unix allow names that mean something else here. */
function isUnsafe(name: string): boolean {
  return name === '.' || name === '..' || name.includes('\0');
}

/**
 * Whether a link ends below the folder that `/` becomes, wherever other links lead: `..` is understood only at the start, where
 * the folders that it leaves are folders that were made here.
 */
function staysWithin(guestPath: string, to: string): boolean {
  const names = to.split('/').filter((name) => name !== '' && name !== '.');
  const ups = names.findIndex((name) => name !== '..');
  const leaving = ups === -1 ? names.length : ups;
  const depth = componentsOf(guestPath).length - 1;
  return !to.startsWith('/') && leaving <= depth && !names.slice(leaving).includes('..');
}

function times({ accessedAt, modifiedAt }: FileStat): readonly [number, number] {
  return [accessedAt.seconds + accessedAt.nanoseconds / 1e9, modifiedAt.seconds + modifiedAt.nanoseconds / 1e9];
}
