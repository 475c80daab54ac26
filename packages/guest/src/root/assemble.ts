import { createFileTree, type Disk, type FileTree, type Mount, type Volume } from '@guestkit/disk';
import { parseCrypttab } from '../linux/crypttab.ts';
import { type FstabEntry, parseFstab } from '../linux/fstab.ts';
import { type MountUnits, readMountUnits } from '../linux/systemd/mount-units.ts';
import { cleanText } from '../text.ts';
import { discoverableMountPoint, isEfiSystem } from './discoverable-partitions.ts';
import { type GuestNames, parseDiskDevice, resolveSpec } from './mount-spec.ts';
import { isOnVolume, isReadable, type Mountable, mountAt, wholeVolume } from './mountable.ts';
import { findRoots, type RootCandidate } from './root-candidate.ts';
import { orElse, reasonOf } from './spoilt.ts';
import { selectSubvolume } from './subvolume.ts';

/** A guest found on a disk: its filesystems put together as it would mount them itself. */
export interface GuestRoot {
  /** The volume of `/`, or its subvolume: `btrfsvol:/dev/sda2/@`. */
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
  return findRoots(disk.volumes.filter(isReadable)).map((candidate) => assemble(candidate, disk.volumes));
}

function assemble(candidate: RootCandidate, volumes: readonly Volume[]): GuestRoot {
  const assembly = new Assembly(candidate, volumes);
  const entries = assembly.readFstab();
  const fstab = entries.map((entry) => assembly.resolve(entry));
  const { vendor, administrator } = assembly.readUnits();
  const wanted = [...vendor, ...entries, ...administrator];
  for (const entry of inMountOrder(wanted)) assembly.mount(entry);
  assembly.mountDiscoverable(new Set(wanted.map(({ mountpoint }) => mountpoint)));
  return {
    device: candidate.root.device,
    tree: assembly.tree,
    mounts: assembly.mounts,
    fstab,
    warnings: assembly.warnings.map(cleanText),
  };
}

/** A folder before what is mounted below it; of two for one folder the later one, which would cover the other. */
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

const NO_UNITS: MountUnits = { vendor: [], administrator: [] };

/** One guest's tree while it grows, mount by mount: a mount point may lie on a filesystem mounted before it. */
class Assembly {
  readonly #volumes: readonly Volume[];
  readonly #root: Mountable;
  readonly warnings: string[] = [];
  mounts: readonly Mount[];
  tree: FileTree;
  #names: GuestNames = {};

  constructor({ root, beneath }: RootCandidate, volumes: readonly Volume[]) {
    this.#root = root;
    this.#volumes = volumes;
    this.mounts = [mountAt('/', root), ...beneath];
    this.tree = createFileTree(this.mounts);
  }

  readFstab(): readonly FstabEntry[] {
    const entries = this.orWarn('/etc/fstab', [], () => parseFstab(this.tree.readText('/etc/fstab') ?? ''));
    const opened = this.orWarn('/etc/crypttab', parseCrypttab(''), () =>
      parseCrypttab(this.tree.readText('/etc/crypttab') ?? ''),
    );
    this.#names = { ownDisk: this.ownDisk(entries), opened };
    return entries;
  }

  readUnits(): MountUnits {
    return this.orWarn('/etc/systemd/system', NO_UNITS, () => readMountUnits(this.tree));
  }

  private orWarn<T>(path: string, fallback: T, read: () => T): T {
    try {
      return read();
    } catch (error) {
      this.warnings.push(`Cannot read '${path}': ${reasonOf(error)}`);
      return fallback;
    }
  }

  /** The guest may call its disk /dev/sdb: its line for `/` gives that away. */
  private ownDisk(entries: readonly FstabEntry[]): string | undefined {
    const device = parseDiskDevice(entries.find(({ mountpoint }) => mountpoint === '/')?.spec ?? '');
    return device?.partition === this.#root.volume.partition?.number ? device?.disk : undefined;
  }

  resolve(entry: FstabEntry): ResolvedEntry {
    const resolution = resolveSpec(entry.spec, this.#volumes, this.#names);
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
    const resolution = resolveSpec(entry.spec, this.#volumes, this.#names);
    if ('reason' in resolution) return resolution.reason;
    const { volume } = resolution;
    if (!isReadable(volume)) return unreadable(volume);
    if (this.mounts.length >= MAX_MOUNTS) return `there are ${MAX_MOUNTS} mounts already`;
    const selection = selectSubvolume(volume, entry.options);
    if ('reason' in selection) return selection.reason;
    this.add(entry.mountpoint, selection.mountable);
    return undefined;
  }

  private add(mountpoint: string, mountable: Mountable): void {
    // through links on the way: /home may lead to /var/home
    const path = orElse(undefined, () => this.tree.realpath(mountpoint)) ?? trimSlashes(mountpoint);
    this.mounts = [...this.mounts.filter((mount) => mount.path !== path), mountAt(path, mountable)];
    this.tree = createFileTree(this.mounts);
  }

  /** Mounts by partition type what fstab leaves open. */
  mountDiscoverable(claimed: Set<string>): void {
    for (const volume of this.#volumes.filter(isReadable).sort(efiLast)) {
      if (this.mounts.some(({ device }) => isOnVolume(device, volume))) continue;
      const path = orElse(undefined, () => discoverableMountPoint(volume, this.tree));
      if (path === undefined || claimed.has(path)) continue;
      claimed.add(path);
      this.add(path, wholeVolume(volume));
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
