import { createFileTree, type Disk, DiskError, type FileTree, type Mount, type Volume } from '@guestkit/disk';
import { type FstabEntry, parseFstab } from '../linux/fstab.ts';
import { cleanText } from '../text.ts';
import { discoverableMountPoint, isEfiSystem } from './discoverable-partitions.ts';
import { linuxRootEvidence } from './linux-root.ts';
import { parseDiskDevice, resolveSpec } from './mount-spec.ts';

/** A guest found on a disk: its filesystems put together as it would mount them itself. */
export interface GuestRoot {
  /** The volume of `/`. */
  readonly device: string;
  readonly tree: FileTree;
  /** `/` first. */
  readonly mounts: readonly Mount[];
  readonly fstab: readonly ResolvedEntry[];
  /** fstab lines that this image cannot satisfy, and other things a reader should know. */
  readonly warnings: readonly string[];
}

export interface ResolvedEntry extends FstabEntry {
  /** The volume of this image that it names. */
  readonly device: string | null;
}

type Readable = Volume & { readonly fileSystem: NonNullable<Volume['fileSystem']> };

// kernel interfaces, memory, swap: nothing of them is on a disk
const WITHOUT_FILES = new Set(
  `autofs bpf binfmt_misc cgroup cgroup2 configfs debugfs devpts devtmpfs efivarfs fusectl hugetlbfs ignore mqueue none
  proc pstore ramfs rpc_pipefs securityfs selinuxfs swap sysfs tmpfs tracefs usbfs`.split(/\s+/),
);
const NETWORK =
  /^(nfs4?|cifs|smb3?|smbfs|ceph|glusterfs|lustre|9p|virtiofs|afs|ncpfs|davfs|fuse\..*|fuse|curlftpfs|sshfs)$/;

// each mount looks through those before it
const MAX_MOUNTS = 128;

/** All guests on a disk, the one with most to show first; none is an answer too. */
export function assembleRoot(disk: Disk): readonly GuestRoot[] {
  return disk.volumes
    .filter(isReadable)
    .map((volume) => ({ volume, evidence: evidenceOf(volume) }))
    .filter(({ evidence }) => evidence > 0)
    .sort((a, b) => b.evidence - a.evidence)
    .map(({ volume }) => assemble(volume, disk.volumes));
}

function isReadable(volume: Volume): volume is Readable {
  return volume.fileSystem !== undefined;
}

function evidenceOf(volume: Readable): number {
  return orElse(0, () => linuxRootEvidence(createFileTree([mountAt('/', volume)])));
}

function mountAt(path: string, volume: Readable): Mount {
  return { path, device: volume.device, fileSystem: volume.fileSystem };
}

function assemble(root: Readable, volumes: readonly Volume[]): GuestRoot {
  const assembly = new Assembly(root, volumes);
  const entries = assembly.readFstab();
  const fstab = entries.map((entry) => assembly.resolve(entry));
  for (const entry of inMountOrder(entries)) assembly.mount(entry);
  assembly.mountDiscoverable(new Set(entries.map(({ mountpoint }) => mountpoint)));
  return {
    device: root.device,
    tree: assembly.tree,
    mounts: assembly.mounts,
    fstab,
    warnings: assembly.warnings.map(cleanText),
  };
}

/** A folder before what is mounted below it; of two lines for one folder the later one, which would cover the other. */
function inMountOrder(entries: readonly FstabEntry[]): readonly FstabEntry[] {
  const byPath = new Map(entries.filter(hasFiles).map((entry) => [trimSlashes(entry.mountpoint), entry]));
  return [...byPath.values()].sort((a, b) => depthOf(a.mountpoint) - depthOf(b.mountpoint));
}

function hasFiles({ mountpoint, fstype }: FstabEntry): boolean {
  return mountpoint.startsWith('/') && trimSlashes(mountpoint) !== '/' && !WITHOUT_FILES.has(fstype);
}

function trimSlashes(path: string): string {
  return `/${path.split('/').filter(Boolean).join('/')}`;
}

function depthOf(path: string): number {
  return path.split('/').filter(Boolean).length;
}

/** One guest's tree while it grows, mount by mount: a mount point may lie on a filesystem mounted before it. */
class Assembly {
  readonly #volumes: readonly Volume[];
  readonly #root: Readable;
  readonly warnings: string[] = [];
  mounts: readonly Mount[];
  tree: FileTree;
  #ownDisk: string | undefined;

  constructor(root: Readable, volumes: readonly Volume[]) {
    this.#root = root;
    this.#volumes = volumes;
    this.mounts = [mountAt('/', root)];
    this.tree = createFileTree(this.mounts);
  }

  readFstab(): readonly FstabEntry[] {
    try {
      const entries = parseFstab(this.tree.readText('/etc/fstab') ?? '');
      this.#ownDisk = this.ownDisk(entries);
      return entries;
    } catch (error) {
      this.warnings.push(`Cannot read '/etc/fstab': ${reasonOf(error)}`);
      return [];
    }
  }

  /** The guest may call its disk /dev/sdb: its line for `/` gives that away. */
  private ownDisk(entries: readonly FstabEntry[]): string | undefined {
    const device = parseDiskDevice(entries.find(({ mountpoint }) => mountpoint === '/')?.spec ?? '');
    return device?.partition === this.#root.partition?.number ? device?.disk : undefined;
  }

  resolve(entry: FstabEntry): ResolvedEntry {
    const resolution = resolveSpec(entry.spec, this.#volumes, this.#ownDisk);
    return { ...entry, device: 'volume' in resolution ? resolution.volume.device : null };
  }

  mount(entry: FstabEntry): void {
    const reason = this.tryMount(entry);
    if (reason !== undefined) this.warnings.push(`Cannot mount '${entry.mountpoint}': ${reason}`);
  }

  /** @returns why it could not be mounted */
  private tryMount(entry: FstabEntry): string | undefined {
    if (NETWORK.test(entry.fstype)) return `${entry.fstype} is on the network, not in this image`;
    if (entry.options.some((option) => option === 'bind' || option === 'rbind')) return 'bind mounts are not followed';
    if (entry.fstype === 'overlay') return 'overlays are not assembled';
    const resolution = resolveSpec(entry.spec, this.#volumes, this.#ownDisk);
    if ('reason' in resolution) return resolution.reason;
    const { volume } = resolution;
    if (!isReadable(volume)) return unreadable(volume);
    if (this.mounts.length >= MAX_MOUNTS) return `there are ${MAX_MOUNTS} mounts already`;
    this.add(entry.mountpoint, volume);
    return undefined;
  }

  private add(mountpoint: string, volume: Readable): void {
    // through links on the way: /home may lead to /var/home
    const path = orElse(undefined, () => this.tree.realpath(mountpoint)) ?? trimSlashes(mountpoint);
    this.mounts = [...this.mounts.filter((mount) => mount.path !== path), mountAt(path, volume)];
    this.tree = createFileTree(this.mounts);
  }

  /** Mounts by partition type what fstab leaves open. */
  mountDiscoverable(claimed: Set<string>): void {
    for (const volume of this.#volumes.filter(isReadable).sort(efiLast)) {
      if (this.mounts.some(({ device }) => device === volume.device)) continue;
      const path = orElse(undefined, () => discoverableMountPoint(volume, this.tree));
      if (path === undefined || claimed.has(path)) continue;
      claimed.add(path);
      this.add(path, volume);
    }
  }
}

/** Its place depends on whether /boot is taken, and may be a folder of it. */
function efiLast(a: Volume, b: Volume): number {
  return Number(isEfiSystem(a)) - Number(isEfiSystem(b));
}

function unreadable(volume: Volume): string {
  if (volume.error) return volume.error.message;
  return `'${volume.device}' holds ${volume.signature?.type ?? 'nothing known'}, which cannot be read`;
}

function orElse<T>(fallback: T, step: () => T): T {
  try {
    return step();
  } catch (error) {
    reasonOf(error);
    return fallback;
  }
}

/** What the image spoils may be passed over; errors of the world and our own rise. */
function reasonOf(error: unknown): string {
  if (!(error instanceof DiskError) || error.kind === 'io' || error.kind === 'denied') throw error;
  return error.message;
}
