import { DiskError } from '../../error.ts';
import { hex } from '../../hex.ts';
import { INCOMPAT, LOG_INCOMPAT, SUPERBLOCK } from './layout.ts';

interface Policy {
  readonly bit: number;
  readonly name: string;
  /** Why a filesystem with this feature is not read; absent when it is. */
  readonly refusal?: string;
}

/** Every incompatible feature, named as xfs_info and the kernel name it. An unlisted bit is refused. */
const INCOMPAT_POLICIES: readonly Policy[] = [
  { bit: INCOMPAT.FTYPE, name: 'ftype' },
  { bit: INCOMPAT.SPINODES, name: 'sparse' },
  { bit: INCOMPAT.META_UUID, name: 'meta_uuid' },
  { bit: INCOMPAT.BIGTIME, name: 'bigtime' },
  { bit: INCOMPAT.NEEDSREPAIR, name: 'needsrepair', refusal: 'an upgrade was not finished, xfs_repair is needed' },
  { bit: INCOMPAT.NREXT64, name: 'nrext64' },
  { bit: INCOMPAT.EXCHRANGE, name: 'exchange' },
  { bit: INCOMPAT.PARENT, name: 'parent' },
  { bit: INCOMPAT.METADIR, name: 'metadir', refusal: 'metadata folders and realtime groups cannot be read yet' },
  { bit: INCOMPAT.ZONED, name: 'zoned', refusal: 'content in zones cannot be read yet' },
  { bit: INCOMPAT.ZONE_GAPS, name: 'zone_gaps', refusal: 'content in zones cannot be read yet' },
];

/** @throws DiskError `unsupported` that names the first feature which keeps the filesystem from being read */
export function checkFeatures(incompat: number): void {
  for (const bit of bitsOf(incompat)) {
    const policy = INCOMPAT_POLICIES.find((known) => known.bit === bit);
    if (policy === undefined) throw refuse(`unknown incompatible feature ${hex(bit)}`, 'a newer reader is needed');
    if (policy.refusal !== undefined) throw refuse(`feature "${policy.name}"`, policy.refusal);
  }
}

/** The first feature of the log that keeps it from being replayed. */
export function unknownLogFeature(logIncompat: number): string | undefined {
  const unknown = bitsOf(logIncompat).find((bit) => bit !== LOG_INCOMPAT.XATTRS);
  return unknown === undefined ? undefined : hex(unknown);
}

function bitsOf(features: number): number[] {
  return Array.from({ length: 32 }, (_, shift) => 2 ** shift).filter((bit) => has(features, bit));
}

function refuse(what: string, why: string): DiskError {
  const place = { format: 'xfs', offset: SUPERBLOCK.sb_features_incompat[0] };
  return new DiskError('unsupported', `Cannot open filesystem: ${what}: ${why}`, place);
}

export function has(features: number, bit: number): boolean {
  return (features & bit) !== 0;
}
