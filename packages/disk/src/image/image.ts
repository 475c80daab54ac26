import type { ByteSource } from '../source/byte-source.ts';
import type { MappedSource } from '../source/extent.ts';
import type { Unlocking } from '../volume/unlocking.ts';

export type { Extent, ExtentKind } from '../source/extent.ts';

/** Plain facts about a container, fit for JSON. Sizes in bytes. */
export interface ImageFacts {
  readonly format: string;
  readonly virtual_size: number;
  /** Size of the container file itself. */
  readonly file_size: number;
  /** Format details: cluster size, version, compression, features … */
  readonly details: Readonly<Record<string, unknown>>;
  /** Names of backing files and other references, nearest first, as the images spell them. */
  readonly chain: readonly string[];
  /** What a reader should know: dirty bits, odd tails, `raw` by elimination … */
  readonly warnings: readonly string[];
}

/** An opened container: the guest-visible disk, and the map of what is stored. */
export interface DiskImage extends MappedSource {
  readonly facts: ImageFacts;
}

/** Opens what an image names (a backing file), as the operator's policy allows. Lives outside the parser: see security rule R4. */
export interface ReferenceOpener {
  /**
   * @param name as spelled in the image, hostile
   * @param from how many references lead to the image that names it: 0 for the top image
   * @throws DiskError `denied` when the policy forbids it, `io` when it cannot be opened
   */
  open(name: string, from: number): ByteSource;
}

export interface ImageContext {
  readonly references: ReferenceOpener;
  /** References followed so far to get here. */
  readonly depth: number;
  /**
   * Opens the image that a reference names, as the format that the reference claims.
   * @throws DiskError `denied` when the policy forbids it or the name is not a plain path, `corrupt` when the chain is too long
   */
  openReference(name: string, claimedFormat: string): DiskImage;
  /** For what is encrypted. */
  readonly unlocking: Unlocking;
  /** Which disk of an archive of several to open, counted from 1; `undefined` when the caller did not say. */
  readonly disk: number | undefined;
  /** Id or name of the internal snapshot to open in place of what the disk holds now. */
  readonly snapshot: string | undefined;
  /**
   * Opens an image that is stored within this one. What it refers to is opened by `references`: never outside this one.
   * @throws DiskError `corrupt` when too many lie within each other
   */
  openWithin(name: string, source: ByteSource, options: WithinOptions): DiskImage;
}

export interface WithinOptions {
  /** What the image around it says the format is, when it says so. */
  readonly claimedFormat: string | undefined;
  readonly references: ReferenceOpener;
}

/** One container format. Detecting is apart from opening: `detect` is pure and never throws. */
export interface ImageFormat {
  readonly name: string;
  /** Whether it opens the snapshot, or the disk, that the caller chose; a choice is refused where there is none. */
  readonly holdsSnapshots?: true;
  readonly holdsDisks?: true;
  /** `head` is the first 4 KiB, `tail` the last 512 bytes, both shorter for a shorter file. */
  detect(head: Uint8Array, tail: Uint8Array): boolean;
  open(source: ByteSource, context: ImageContext): DiskImage;
}
