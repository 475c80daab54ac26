import { createHash } from 'node:crypto';
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { compareNames, decodeName, type FileNode, type FileTree, type FileType } from '@guestkit/disk';

/** All that two views of the same files must agree on. */
export interface ListedFile {
  readonly path: string;
  readonly type: FileType;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly inode: number;
  /** Seconds and nanoseconds. */
  readonly modified: string;
  readonly sha256?: string;
  readonly target?: string;
  readonly device?: string;
}

/** Every file of a guest, as our reader shows it. */
export function listTree(tree: FileTree): ListedFile[] {
  return [...tree.walk()].map(({ path, node }) => ({ path, ...describeNode(node) }));
}

/** Every file below a folder of this machine, as the kernel shows it: a mounted image. */
export function listFolder(folder: string): ListedFile[] {
  return [...walkHost(Buffer.from(folder), '')];
}

const READ_BYTES = 1024 * 1024;

function describeNode(node: FileNode): Omit<ListedFile, 'path'> {
  const { type, mode, uid, gid, sizeBytes, links, inode, modifiedAt, device } = node.stat;
  return {
    type,
    mode: mode.toString(8),
    uid,
    gid,
    size: sizeBytes,
    links,
    inode,
    modified: timeOf(modifiedAt.seconds, modifiedAt.nanoseconds),
    ...(type === 'file' && { sha256: hashOf(node) }),
    ...(type === 'symlink' && { target: node.readlink() }),
    ...(device && { device: `${device.major}:${device.minor}` }),
  };
}

function hashOf(node: FileNode): string {
  const content = node.open();
  const hash = createHash('sha256');
  for (let offset = 0; offset < content.sizeBytes; offset += READ_BYTES) {
    hash.update(content.read(offset, Math.min(READ_BYTES, content.sizeBytes - offset)));
  }
  return hash.digest('hex');
}

function* walkHost(file: Buffer, path: string): Generator<ListedFile> {
  const stats = lstatSync(file, { bigint: true });
  const type = typeOf(stats);
  yield { path: path || '/', type, ...describeHost(file, type, stats) };
  if (type !== 'directory') return;
  const names = readdirSync(file, { encoding: 'buffer' }).map((bytes) => ({ bytes, name: decodeName(bytes) }));
  for (const { bytes, name } of names.sort((one, other) => compareNames(one.name, other.name))) {
    yield* walkHost(Buffer.concat([file, Buffer.from('/'), bytes]), `${path}/${name}`);
  }
}

function describeHost(file: Buffer, type: FileType, stats: BigIntStats): Omit<ListedFile, 'path' | 'type'> {
  const { mode, uid, gid, size, nlink, ino, mtimeNs } = stats;
  // rounded down, also before 1970
  const nanoseconds = ((mtimeNs % NANOSECONDS) + NANOSECONDS) % NANOSECONDS;
  return {
    mode: (Number(mode) & 0o7777).toString(8),
    uid: Number(uid),
    gid: Number(gid),
    size: Number(size),
    links: Number(nlink),
    inode: Number(ino),
    modified: timeOf(Number((mtimeNs - nanoseconds) / NANOSECONDS), Number(nanoseconds)),
    ...(type === 'file' && { sha256: createHash('sha256').update(readFileSync(file)).digest('hex') }),
    ...(type === 'symlink' && { target: decodeName(readlinkSync(file, { encoding: 'buffer' })) }),
    ...((type === 'character' || type === 'block') && { device: deviceOf(Number(stats.rdev)) }),
  };
}

const NANOSECONDS = 1_000_000_000n;

function timeOf(seconds: number, nanoseconds: number): string {
  return `${seconds} s ${nanoseconds} ns`;
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
