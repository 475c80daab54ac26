import { type ArtifactOwner, artifactKey } from '@guestkit/core/artifact/artifact-key';
import type { ArtifactStore } from '@guestkit/core/artifact/artifact-store';
import { keepArtifact } from '@guestkit/core/artifact/keep-artifact';
import { type ArtifactReference, RESULT_DATA } from '@guestkit/core/job/artifact';
import { jobError } from '@guestkit/core/job/error-code';
import type { JobError } from '@guestkit/core/job/result';

/** Where the data of results go. */
export interface DataKeeping {
  readonly artifacts: ArtifactStore;
  /** Larger ones go to the artifact store. */
  readonly resultInlineBytes: number;
  readonly resultLimitBytes: number;
}

export type KeptData =
  | { readonly kind: 'inline'; readonly answer: { readonly data: unknown } }
  | {
      readonly kind: 'stored';
      readonly answer: { readonly data: undefined; readonly data_artifact: ArtifactReference };
    }
  | { readonly kind: 'refused'; readonly error: JobError };

/** Puts the data of a result into the artifact store when they are too large to pass through Redis and SQL. */
export function keepData(
  data: unknown,
  owner: ArtifactOwner,
  keeping: DataKeeping,
  signal: AbortSignal,
): KeptData | Promise<KeptData> {
  const { resultInlineBytes, resultLimitBytes } = keeping;
  const json = JSON.stringify(data) ?? 'null';
  // no character has more than three bytes
  if (json.length * 3 <= resultInlineBytes) return { kind: 'inline', answer: { data } };
  const content = Buffer.from(json);
  if (content.length <= resultInlineBytes) return { kind: 'inline', answer: { data } };
  if (content.length > resultLimitBytes) return refused(tooLarge(content.length, resultLimitBytes));
  return store(content, owner, keeping, signal);
}

async function store(
  content: Buffer,
  owner: ArtifactOwner,
  { artifacts }: DataKeeping,
  signal: AbortSignal,
): Promise<KeptData> {
  const named = { name: RESULT_DATA, key: artifactKey(owner, RESULT_DATA), media_type: 'application/json' };
  try {
    const data_artifact = await keepArtifact(artifacts, named, content, { signal });
    return { kind: 'stored', answer: { data: undefined, data_artifact } };
  } catch (error) {
    return refused(notStored(error));
  }
}

function tooLarge(sizeBytes: number, limitBytes: number): JobError {
  return jobError('RESULT_TOO_LARGE', `The result has ${sizeBytes} bytes, at most ${limitBytes} are allowed`);
}

function notStored(error: unknown): JobError {
  const reason = reasonOf(error);
  return jobError(reason === 'ENOSPC' ? 'NO_SPACE' : 'RESULT_NOT_STORED', `Cannot store the result: ${reason}`);
}

function refused(error: JobError): KeptData {
  return { kind: 'refused', error };
}

/** Messages of the store may name hosts and paths; codes and names do not. */
function reasonOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException;
  return code ?? name ?? 'the artifact store refused it';
}
