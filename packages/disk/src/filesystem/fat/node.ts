import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { totalBytes } from '../cluster-heap.ts';
import type { DirectoryEntry, FileNode, FileStat, FileTime } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { NameIndex } from '../name-index.ts';
import type { ByteRun } from '../run-content.ts';
import { lookupKey } from './case.ts';
import { corrupt } from './corrupt.ts';
import { checkName, countFolders, type FatRecord, readDirectory } from './directory.ts';
import { ATTR, BOOT_SECTOR, ENTRY_SIZE } from './layout.ts';
import { timeOf } from './time.ts';
import type { FatVolume } from './volume.ts';

const MODE = 0o755;
const MODE_READ_ONLY = 0o555;
const ROOT_INODE = 1;
const ROOT_CLUSTER_OFFSET = BOOT_SECTOR.fat32_root_cluster[0];
/** Files are numbered behind all folders, which have the numbers of their first clusters. */
const FIRST_FILE_INODE = 2 ** 28;
const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };
const NO_TIMES = { modifiedAt: EPOCH, changedAt: EPOCH, accessedAt: EPOCH };
/** The root has no entries `.` and `..`, and is counted as if it had. */
const LINKS_OF_ROOT = 2;

/** What the nodes of a volume share. */
interface Shared {
  readonly volume: FatVolume;
  readonly names: NameIndex<FatRecord>;
}

/**
 * The root of a FAT volume, from which all others are reached. FAT knows neither owners nor permissions: all is root's, of mode
 * 0755, or 0555 for a file that is marked read-only, as the kernel shows it under a umask of 022.
 */
export function rootNode(volume: FatVolume): FileNode {
  const { root } = volume.geometry;
  const runs = 'run' in root ? [root.run] : volume.folderRuns(root.cluster, ROOT_CLUSTER_OFFSET);
  volume.heap.checkPresent(runs);
  return new FatFolder({ volume, names: new NameIndex() }, runs, undefined);
}

const PLACE = { format: 'vfat' };

class FatFolder implements FileNode {
  readonly stat: FileStat;
  readonly #shared: Shared;
  readonly #runs: readonly ByteRun[];

  /** `record` is what names the folder; nothing names the root. */
  constructor(shared: Shared, runs: readonly ByteRun[], record: FatRecord | undefined) {
    this.#shared = shared;
    this.#runs = runs;
    let links: number | undefined;
    this.stat = {
      type: 'directory',
      mode: MODE,
      uid: 0,
      gid: 0,
      sizeBytes: totalBytes(runs),
      // takes reading the folder, and is hardly ever asked for
      get links() {
        links ??= countFolders(shared.volume, runs) + (record === undefined ? LINKS_OF_ROOT : 0);
        return links;
      },
      inode: record?.cluster ?? ROOT_INODE,
      ...(record === undefined ? NO_TIMES : timesOf(record)),
    };
  }

  *list(): Generator<DirectoryEntry> {
    for (const record of this.#records()) {
      checkName(record);
      const type = record.isFolder ? 'directory' : 'file';
      yield { name: record.name, type, node: () => nodeOf(this.#shared, record) };
    }
  }

  lookup(name: string): FileNode | undefined {
    const key = lookupKey(name);
    if (key === '') return undefined;
    const record = this.#shared.names.find(this.stat.inode, key, () => this.#named());
    return record && nodeOf(this.#shared, record);
  }

  open(): ByteSource {
    throw misfit('open', this.stat, 'file', PLACE);
  }

  readlink(): string {
    throw misfit('read the target of', this.stat, 'symlink', PLACE);
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }

  #records(): Iterable<FatRecord> {
    return readDirectory(this.#shared.volume, this.#runs);
  }

  *#named(): Generator<readonly [key: string, record: FatRecord]> {
    for (const record of this.#records()) {
      yield [lookupKey(record.name), record];
      if (record.shortName !== record.name) yield [lookupKey(record.shortName), record];
    }
  }
}

class FatFile implements FileNode {
  readonly stat: FileStat;
  readonly #volume: FatVolume;
  readonly #record: FatRecord;

  constructor(volume: FatVolume, record: FatRecord) {
    const { fields, offset } = record;
    this.#volume = volume;
    this.#record = record;
    this.stat = {
      type: 'file',
      mode: (fields.attr & ATTR.READ_ONLY) === 0 ? MODE : MODE_READ_ONLY,
      uid: 0,
      gid: 0,
      sizeBytes: fields.size,
      links: 1,
      inode: FIRST_FILE_INODE + offset / ENTRY_SIZE,
      ...timesOf(record),
    };
  }

  list(): Iterable<DirectoryEntry> {
    throw misfit('list', this.stat, 'directory', PLACE);
  }

  lookup(): FileNode | undefined {
    throw misfit('list', this.stat, 'directory', PLACE);
  }

  open(): ByteSource {
    const { cluster, fields, offset } = this.#record;
    return this.#volume.file(cluster, fields.size, offset);
  }

  readlink(): string {
    throw misfit('read the target of', this.stat, 'symlink', PLACE);
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }
}

function nodeOf(shared: Shared, record: FatRecord): FileNode {
  const { volume } = shared;
  if (!record.isFolder) return new FatFile(volume, record);
  const { root } = volume.geometry;
  if ('cluster' in root && record.cluster === root.cluster) {
    throw corrupt(`Cannot open folder ${quote(record.name)}: it is the root`, record.offset);
  }
  return new FatFolder(shared, volume.folderRuns(record.cluster, record.offset), record);
}

/** There is no time of the last change of an entry: the kernel gives that of the content. */
function timesOf({ fields }: FatRecord) {
  const modifiedAt = timeOf(fields.date, fields.time, 0);
  return {
    modifiedAt,
    changedAt: modifiedAt,
    accessedAt: timeOf(fields.adate, 0, 0),
    createdAt: timeOf(fields.cdate, fields.ctime, fields.ctime_cs),
  };
}
