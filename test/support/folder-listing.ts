import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs';
import { compareNames, decodeName, type FileType } from '@guestkit/disk';
import { type ListedFile, type ListingOptions, READ_BYTES, timeText } from './listed-file.ts';

type Xattrs = ReadonlyMap<string, Record<string, string>>;

/** Every file below a folder of this machine, as the kernel shows it (a mounted image), in the order of `listTree`. */
export function listFolder(folder: string, options: ListingOptions = {}): ListedFile[] {
  return [...new FolderListing(folder, options).files()];
}

class FolderListing {
  readonly #root: Buffer;
  readonly #options: ListingOptions;
  readonly #xattrs: Xattrs | undefined;

  constructor(folder: string, options: ListingOptions) {
    this.#root = Buffer.from(folder);
    this.#options = options;
    this.#xattrs = readXattrs(folder);
  }

  *files(file = this.#root, path = ''): Generator<ListedFile> {
    const stats = lstatSync(file, { bigint: true });
    const type = typeOf(stats);
    yield this.#describe(file, path || '/', type, stats);
    if (type !== 'directory') return;
    for (const { bytes, name } of namesIn(file)) yield* this.files(below(file, bytes), `${path}/${name}`);
  }

  #describe(file: Buffer, path: string, type: FileType, stats: BigIntStats): ListedFile {
    const xattrs = this.#xattrs && (this.#xattrs.get(file.toString('latin1')) ?? {});
    const read = (action: () => string) => this.#attempt(action, path);
    return {
      path,
      type,
      mode: (Number(stats.mode) & 0o7777).toString(8),
      uid: Number(stats.uid),
      gid: Number(stats.gid),
      size: Number(stats.size),
      links: Number(stats.nlink),
      inode: Number(stats.ino),
      ...timesOf(stats),
      ...(type === 'file' && this.#options.content !== false && { sha256: read(() => hashOf(file)) }),
      ...(type === 'symlink' && { target: read(() => decodeName(readlinkSync(file, { encoding: 'buffer' }))) }),
      ...((type === 'character' || type === 'block') && { device: deviceOf(Number(stats.rdev)) }),
      ...(xattrs && { xattrs }),
    };
  }

  #attempt(action: () => string, path: string): string {
    const { onUnreadable } = this.#options;
    if (onUnreadable === undefined) return action();
    try {
      return action();
    } catch (error) {
      onUnreadable(path, error as Error);
      return `unreadable: ${(error as Error).message}`;
    }
  }
}

function namesIn(folder: Buffer) {
  const names = readdirSync(folder, { encoding: 'buffer' }).map((bytes) => ({ bytes, name: decodeName(bytes) }));
  return names.sort((one, other) => compareNames(one.name, other.name));
}

function below(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from('/'), name]);
}

/** One for all files: to make one for each, most of them tiny, takes longer than to read them. */
const piece = Buffer.allocUnsafe(READ_BYTES);

/** In pieces: a sparse file may be larger than memory. */
function hashOf(file: Buffer): string {
  const hash = createHash('sha256');
  const fd = openSync(file, 'r');
  try {
    for (let length = readSync(fd, piece); length > 0; length = readSync(fd, piece)) {
      hash.update(piece.subarray(0, length));
    }
  } finally {
    closeSync(fd);
  }
  return hash.digest('hex');
}

const NANOSECONDS = 1_000_000_000n;

function timesOf({ mtimeNs, ctimeNs, atimeNs, birthtimeNs }: BigIntStats) {
  return {
    modified: timeOf(mtimeNs),
    changed: timeOf(ctimeNs),
    accessed: timeOf(atimeNs),
    ...(birthtimeNs !== 0n && { created: timeOf(birthtimeNs) }),
  };
}

/** Rounded down, also before 1970. */
function timeOf(time: bigint): string {
  const nanoseconds = ((time % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return timeText(Number((time - nanoseconds) / NANOSECONDS), Number(nanoseconds));
}

function typeOf(stats: BigIntStats): FileType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'symlink';
  if (stats.isCharacterDevice()) return 'character';
  if (stats.isBlockDevice()) return 'block';
  return stats.isFIFO() ? 'fifo' : 'socket';
}

/** As glibc splits a device number of up to 32 bits. */
function deviceOf(device: number): string {
  return `${(device >>> 8) & 0xfff}:${(device & 0xff) | ((device >>> 12) & 0xfff00)}`;
}

const MAX_OUTPUT_BYTES = 2 ** 30;

/** The attributes of all files by the bytes of their paths, asked for in one call; `undefined` where getfattr is missing. */
function readXattrs(folder: string): Xattrs | undefined {
  const args = ['-R', '-P', '-h', '-d', '-m', '-', '-e', 'hex', '--absolute-names', folder];
  const { stdout, error } = spawnSync('getfattr', args, { encoding: 'latin1', maxBuffer: MAX_OUTPUT_BYTES });
  if (error === undefined) return parseXattrs(stdout);
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  console.warn('Not compared: extended attributes, getfattr is not installed');
  return undefined;
}

const FILE_LINE = '# file: ';

function parseXattrs(output: string): Xattrs {
  const files = new Map<string, Record<string, string>>();
  for (const paragraph of output.split('\n\n')) {
    const [heading = '', ...lines] = paragraph.trimEnd().split('\n');
    if (!heading.startsWith(FILE_LINE)) continue;
    const xattrs = lines.map((line): [string, string] => {
      const [name = '', value = '0x'] = line.split('=');
      return [decodeName(Buffer.from(unescapeOctal(name), 'latin1')), value.slice(2)];
    });
    const sorted = xattrs.sort(([one], [other]) => (one < other ? -1 : 1));
    files.set(unescapeOctal(heading.slice(FILE_LINE.length)), Object.fromEntries(sorted));
  }
  return files;
}

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits) => String.fromCharCode(Number.parseInt(digits, 8)));
}
