import { createFileTree, type FileTree, type Mount, type Subvolume } from '@guestkit/disk';
import { parseFstab } from '../linux/fstab.ts';
import { linuxRootEvidence } from './linux-root.ts';
import { type Mountable, type ReadableVolume, subvolumeOf, wholeVolume } from './mountable.ts';
import { ostreeRoot } from './ostree.ts';
import { orElse } from './spoilt.ts';
import { selects, subvolumesOf } from './subvolume.ts';

/** What may be the `/` of a guest. */
export interface RootCandidate {
  readonly root: Mountable;
  /** What is mounted on it before anything that it asks for itself. */
  readonly beneath: readonly Mount[];
}

interface Judged extends RootCandidate {
  readonly evidence: number;
}

// snapshots are subvolumes too, and a guest may keep thousands
const MAX_SUBVOLUMES = 256;

/** Every `/` on the volumes, the one with most to show first. */
export function findRoots(volumes: readonly ReadableVolume[]): readonly RootCandidate[] {
  const bootTrees = volumes.map(({ fileSystem }) => createFileTree(fileSystem));
  return volumes
    .flatMap((volume) => rootsOn(volume, bootTrees))
    .filter(({ evidence }) => evidence > 0)
    .sort((one, other) => other.evidence - one.evidence);
}

/** On a filesystem with subvolumes those that call themselves `/`; most others are snapshots of them. */
function rootsOn(volume: ReadableVolume, bootTrees: readonly FileTree[]): readonly Judged[] {
  const whole = orElse([], () => judge(wholeVolume(volume), bootTrees));
  const parts = subvolumesOf(volume)
    .slice(0, MAX_SUBVOLUMES)
    .filter(({ isDefault }) => !isDefault)
    .flatMap((subvolume) => orElse([], () => judgeSubvolume(volume, subvolume, bootTrees)));
  const named = parts.filter(({ isNamedRoot }) => isNamedRoot);
  if (whole.length > 0 || named.length > 0) return [...whole, ...named];
  const [best] = parts.toSorted((one, other) => other.evidence - one.evidence);
  return best === undefined ? [] : [best];
}

function judgeSubvolume(volume: ReadableVolume, subvolume: Subvolume, bootTrees: readonly FileTree[]) {
  return judge(subvolumeOf(volume, subvolume), bootTrees).map((judged) => ({
    ...judged,
    isNamedRoot: namesItself(judged, subvolume),
  }));
}

function judge(mountable: Mountable, bootTrees: readonly FileTree[]): readonly Judged[] {
  const plain: RootCandidate = { root: mountable, beneath: [] };
  const candidate = ostreeRoot(mountable, bootTrees) ?? plain;
  const evidence = linuxRootEvidence(createFileTree(candidate.root.fileSystem));
  return evidence > 0 ? [{ ...candidate, evidence }] : [];
}

function namesItself({ root }: RootCandidate, subvolume: Subvolume): boolean {
  const text = createFileTree(root.fileSystem).readText('/etc/fstab') ?? '';
  const entry = parseFstab(text).find(({ mountpoint }) => mountpoint === '/');
  return entry !== undefined && selects(entry.options, subvolume);
}
