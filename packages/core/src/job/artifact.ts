/** How the content of an artifact is written in the store. */
export type ArtifactEncoding = 'identity' | 'zstd';

/** A file that an attempt put into the artifact store. Size and sum are those of the content, before it is compressed. */
export interface ArtifactReference {
  readonly name: string;
  readonly key: string;
  readonly size_bytes: number;
  /** In hex. */
  readonly sha256: string;
  readonly media_type: string;
  readonly encoding: ArtifactEncoding;
}

/** The artifact that holds the `data` of a result which is too large to pass through Redis and SQL. */
export const RESULT_DATA = 'result-data.json';
