import type { Volume } from '../disk.ts';
import type { DiskError } from '../error.ts';
import type { ByteSource } from '../source/byte-source.ts';
import type { Unlocking } from './unlocking.ts';

/** What makes volumes out of other volumes: encryption, logical volumes, arrays. */
export interface VolumeLayer {
  /** Type of the signature of its members, as blkid names it. */
  readonly type: string;
  /** Each member makes a volume by itself: it is asked about once, for to try keys takes long. */
  readonly isOfOne?: true;
  /** What the members make, each or together. Asked again when volumes have come to light, with all members known by then. */
  assemble(members: readonly Volume[], unlocking: Unlocking): readonly LayerOutcome[];
}

/** What one member makes by itself. */
export interface OpenedMember {
  readonly device: string;
  readonly source: ByteSource;
}

export type LayerOutcome =
  /** A volume, named as libguestfs names it. `members` are the devices it lies on. */
  | { readonly device: string; readonly members: readonly string[]; readonly source: ByteSource }
  /** Why a device, of a member or of a volume that should be there, cannot be opened. */
  | { readonly device: string; readonly members: readonly string[]; readonly error: DiskError };
