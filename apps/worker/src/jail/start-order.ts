import type { ImageRequest } from '@guestkit/operations/operation';

/** What a jailed process is told to do. Nothing in it names a place of the host that it could reach. */
export interface StartOrder {
  readonly operation: string;
  readonly payload: unknown;
  readonly images: readonly OfferedImage[];
  /** The largest result that is taken from it. */
  readonly maxResultBytes: number;
}

export interface OfferedImage {
  /** What READ requests call it. */
  readonly source: number;
  readonly sizeBytes: number;
  readonly request: ImageRequest;
}
