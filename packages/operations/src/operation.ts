import type { ByteSource } from '@guestkit/disk';
import type * as z from 'zod';

/** An image that a payload names, before anything of it is read. */
export interface ImageRequest {
  /** Host path as the client wrote it; resolved within the configured roots by the supervisor, never by the operation. */
  readonly path: string;
  /** What the client says the container is: checked, not trusted. */
  readonly format: string;
  /** Whether it decides though the content matches another format, or several. */
  readonly allowFormatOverride?: true;
  /** `sha256:HEX` or `HEX` of the container file. */
  readonly checksum?: string;
}

/** Where a client wants the document of a result written. */
export interface OutputRequest {
  readonly format: 'json' | 'yaml';
  readonly destination: string;
  readonly compression?: 'gzip' | 'zstd';
  /** The member of the result that is the document; the whole result where not given. */
  readonly member?: string;
}

/** What an operation declares about itself. Nothing here runs inside the jail except through runner.ts. */
export interface Operation<Payload = unknown> {
  /** Namespaced verb: `guestkit.inspect`. */
  readonly name: string;
  /** `inline`: touches no image and runs in the worker itself. `jail`: reads images, runs in a jailed process. */
  readonly isolation: 'inline' | 'jail';
  /** Parses `payload.data`; issues become `VALIDATION_ERROR`. */
  readonly payload: z.ZodType<Payload>;
  images(payload: Payload): readonly ImageRequest[];
  output(payload: Payload): OutputRequest | undefined;
  /** What in a payload, besides its images, decides the result. Where it is not given, no result is ever answered again. */
  decisive?(payload: Payload): unknown;
}

export interface Progress {
  readonly phase: string;
  readonly percent: number;
  readonly message: string;
}

/** All that a running operation can reach: the images its payload names, and a way to tell how far it is. */
export interface OperationContext {
  /** Same order as `images(payload)`. */
  readonly images: readonly OpenableImage[];
  progress(step: Progress): void;
}

export interface OpenableImage {
  readonly request: ImageRequest;
  readonly source: ByteSource;
  /** Opens what the image names (backing files), as the supervisor's policy allows. @throws DiskError `denied` */
  openReference(name: string, from: number): ByteSource;
  /** What of it to open, and with what. */
  readonly choice?: ImageChoice;
}

export interface ImageChoice {
  /** Which disk of an archive of several, counted from 1. */
  readonly disk?: number | undefined;
  /** Id or name of an internal snapshot. */
  readonly snapshot?: string | undefined;
  readonly passphrases?: readonly Uint8Array[];
}

/** Runs one operation, synchronously, and returns its result as plain JSON data. */
export type Runner = (payload: unknown, context: OperationContext) => unknown;
