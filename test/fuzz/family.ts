import type { ByteSource, DiskError } from '@guestkit/disk';
import type { Edit } from '../../packages/disk/src/testing/edits.ts';

/** An image that is read well, to be changed. */
export interface Seed {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What it refers to, by name. */
  readonly files?: Readonly<Record<string, Uint8Array>>;
}

/** What a reader is given besides bytes, and where it tells of errors that it outlives. */
export interface Surroundings {
  readonly files: Readonly<Record<string, Uint8Array>>;
  note(error: DiskError): void;
}

/** A kind of image, and the reader that it is made for. */
export interface Family {
  readonly name: string;
  /** Made with the tools and the corpus that are there: never none. */
  seeds(): readonly Seed[];
  /** Reads all there is to read. @throws what the engine throws: a DiskError, or it is a finding */
  read(source: ByteSource, surroundings: Surroundings): void;
  /** Makes checksums right again, so that what is behind them is reached. Half of the cases are left as they are. */
  seal?(bytes: Uint8Array): readonly Edit[];
  /** Keeps cheap what is slow on purpose (key derivation), in every case. */
  tame?(bytes: Uint8Array): readonly Edit[];
}
