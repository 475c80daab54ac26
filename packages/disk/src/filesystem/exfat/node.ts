import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { totalBytes } from '../cluster-heap.ts';
import { stripDots } from '../fat/case.ts';
import type { DirectoryEntry, FileNode, FileStat, FileTime } from '../file-system.ts';
import { misfit } from '../misfit.ts';
import { NameIndex } from '../name-index.ts';
import type { ByteRun } from '../run-content.ts';
import { corrupt } from './corrupt.ts';
import { countFolders, type ExfatRecord, readDirectory } from './directory.ts';
import { ATTR, ENTRY_SIZE } from './layout.ts';
import { timeOf } from './time.ts';
import type { ExfatVolume } from './volume.ts';

const MODE = 0o755;
const MODE_READ_ONLY = 0o555;
const ROOT_INODE = 1;
/** Files are numbered behind all folders, which have the numbers of their first clusters. */
const FIRST_FILE_INODE = 2 ** 32;
const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };
const NO_TIMES = { modifiedAt: EPOCH, changedAt: EPOCH, accessedAt: EPOCH };
/** Folders have no entries `.` and `..`, and are counted as if they had. */
const OWN_LINKS = 2;
/** Stands in the index for an entry that is damaged: no file has this name. */
const DAMAGED = '';

/** What the nodes of a volume share. */
interface Shared {
  readonly volume: ExfatVolume;
  readonly names: NameIndex<ExfatRecord | DiskError>;
  /** Names that are the same but for case become the same. */
  readonly fold: (name: string) => string;
}

/**
 * The root of an exFAT volume, from which all others are reached. exFAT knows neither owners nor permissions: all is root's, of
 * mode 0755, or 0555 for a file that is marked read-only, as the kernel shows it under a umask of 022.
 */
export function rootNode(volume: ExfatVolume, runs: readonly ByteRun[], fold: (name: string) => string): FileNode {
  return new ExfatFolder({ volume, names: new NameIndex(), fold }, runs, undefined);
}

const PLACE = { format: 'exfat' };

class ExfatFolder implements FileNode {
  readonly stat: FileStat;
  readonly #shared: Shared;
  readonly #runs: readonly ByteRun[];

  /** `record` is what names the folder; nothing names the root. */
  constructor(shared: Shared, runs: readonly ByteRun[], record: ExfatRecord | undefined) {
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
        links ??= OWN_LINKS + countFolders(shared.volume, runs);
        return links;
      },
      inode: record === undefined ? ROOT_INODE : folderNumber(record),
      ...(record === undefined ? NO_TIMES : timesOf(record)),
    };
  }

  *list(): Generator<DirectoryEntry> {
    for (const record of this.#records()) {
      if (record instanceof DiskError) throw record;
      const type = record.isFolder ? 'directory' : 'file';
      yield { name: record.name, type, node: () => nodeOf(this.#shared, record) };
    }
  }

  /** @throws DiskError when the name is not among those that can be read, and there are others */
  lookup(name: string): FileNode | undefined {
    const key = this.#shared.fold(stripDots(name));
    if (key === DAMAGED) return undefined;
    const record = this.#find(key) ?? this.#find(DAMAGED);
    if (record instanceof DiskError) throw record;
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

  #find(key: string): ExfatRecord | DiskError | undefined {
    return this.#shared.names.find(this.stat.inode, key, () => this.#named());
  }

  #records(): Iterable<ExfatRecord | DiskError> {
    return readDirectory(this.#shared.volume, this.#runs);
  }

  *#named(): Generator<readonly [key: string, record: ExfatRecord | DiskError]> {
    for (const record of this.#records()) {
      yield [record instanceof DiskError ? DAMAGED : this.#shared.fold(stripDots(record.name)), record];
    }
  }
}

class ExfatFile implements FileNode {
  readonly stat: FileStat;
  readonly #volume: ExfatVolume;
  readonly #record: ExfatRecord;

  constructor(volume: ExfatVolume, record: ExfatRecord) {
    this.#volume = volume;
    this.#record = record;
    this.stat = {
      type: 'file',
      mode: (record.fields.attr & ATTR.READ_ONLY) === 0 ? MODE : MODE_READ_ONLY,
      uid: 0,
      gid: 0,
      sizeBytes: record.allocation.sizeBytes,
      links: 1,
      inode: numberByPlace(record),
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
    return this.#volume.content(this.#record.allocation);
  }

  readlink(): string {
    throw misfit('read the target of', this.stat, 'symlink', PLACE);
  }

  xattrs(): ReadonlyMap<string, Uint8Array> {
    return new Map();
  }
}

function nodeOf(shared: Shared, record: ExfatRecord): FileNode {
  const { volume } = shared;
  if (!record.isFolder) return new ExfatFile(volume, record);
  const { cluster, offset } = record.allocation;
  if (cluster === volume.geometry.rootCluster) {
    throw corrupt(`Cannot open folder ${quote(record.name)}: it is the root`, offset);
  }
  return new ExfatFolder(shared, volume.folderRuns(record.allocation), record);
}

/** A folder without content has no cluster to be known by. */
function folderNumber(record: ExfatRecord): number {
  return record.allocation.sizeBytes === 0 ? numberByPlace(record) : record.allocation.cluster;
}

function numberByPlace({ allocation }: ExfatRecord): number {
  return FIRST_FILE_INODE + allocation.offset / ENTRY_SIZE;
}

/** There is no time of the last change of an entry: the kernel gives that of the content. */
function timesOf({ fields }: ExfatRecord) {
  const modifiedAt = timeOf(fields.modify_date, fields.modify_time, fields.modify_time_cs, fields.modify_tz);
  return {
    modifiedAt,
    changedAt: modifiedAt,
    accessedAt: timeOf(fields.access_date, fields.access_time, 0, fields.access_tz),
    createdAt: timeOf(fields.create_date, fields.create_time, fields.create_time_cs, fields.create_tz),
  };
}
