import { promisify } from 'node:util';
import { gzip, zstdCompress } from 'node:zlib';
import { type FileStamp, sameFile } from '@guestkit/core/security/file-stamp';
import { type OutputPlace, resolveOutput } from '@guestkit/core/security/output-guard';
import { PathError } from '@guestkit/core/security/path-error';
import { writeAtomically } from '@guestkit/core/security/write-atomically';
import type { OutputRequest } from '@guestkit/operations/operation';
import type { OutputRules, WrittenOutput } from '../task.ts';
import { NotPermitted, permission } from './permission.ts';
import { Refusal } from './refusal.ts';

const RENDER: Readonly<Record<OutputRequest['format'], (value: unknown) => string | Promise<string>>> = {
  json: (value) => `${JSON.stringify(value, null, 2)}\n`,
  // few ask for it, and every thread would load it
  yaml: async (value) => (await import('yaml')).stringify(value),
};

const COMPRESS: Readonly<Record<NonNullable<OutputRequest['compression']>, (bytes: Buffer) => Promise<Buffer>>> = {
  gzip: promisify<Buffer, Buffer>(gzip),
  zstd: promisify<Buffer, Buffer>(zstdCompress),
};

/** Finds out whether a result may be written there, before any work is spent on it. @throws Refusal */
export function checkOutput(request: OutputRequest, { outputRoots }: OutputRules, images: readonly FileStamp[]): void {
  placeOf(request, outputRoots, images);
}

export interface WriteRules extends OutputRules {
  readonly images: readonly FileStamp[];
  /** The job, and its attempt. */
  readonly writer: string | undefined;
  readonly attempt: string | undefined;
  readonly signal: AbortSignal;
  /** Asked when all is written. */
  readonly mayPublish: () => Promise<boolean>;
}

/** Writes the document of a result whole or not at all; nothing appears when the signal fires first. @throws Refusal, NotPermitted */
export async function writeOutput(
  value: unknown,
  request: OutputRequest,
  { outputRoots, images, writer, attempt, signal, mayPublish }: WriteRules,
): Promise<WrittenOutput> {
  const place = placeOf(request, outputRoots, images);
  try {
    const sizeBytes = await writeAtomically(place.path, await render(documentOf(value, request), request), {
      ...(writer !== undefined && { writer }),
      ...(attempt !== undefined && { attempt }),
      signal,
      beforePublishing: () => permission(mayPublish),
    });
    return { destination: request.destination, sizeBytes };
  } catch (error) {
    if (signal.aborted || error instanceof NotPermitted) throw error;
    throw failed(request.destination, error);
  }
}

function placeOf({ destination }: OutputRequest, roots: readonly string[], images: readonly FileStamp[]): OutputPlace {
  const place = resolve(destination, roots);
  const { replaces } = place;
  if (replaces === undefined || !images.some((image) => sameFile(image, replaces))) return place;
  throw new Refusal('PATH_DENIED', `Cannot write "${destination}": it is an image that is read`);
}

function resolve(destination: string, roots: readonly string[]): OutputPlace {
  try {
    return resolveOutput(roots, destination);
  } catch (error) {
    throw error instanceof PathError && error.kind === 'denied'
      ? new Refusal('PATH_DENIED', error.message)
      : failed(destination, error);
  }
}

const NO_SPACE_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** System errors name paths of the host; their codes, and our own messages, do not. */
function failed(destination: string, error: unknown): Refusal {
  const { code } = ((error instanceof PathError ? error.cause : error) as Partial<NodeJS.ErrnoException>) ?? {};
  const message =
    error instanceof PathError ? error.message : `Cannot write "${destination}": ${code ?? 'the storage refused it'}`;
  return new Refusal(NO_SPACE_CODES.includes(code) ? 'NO_SPACE' : 'OUTPUT_FAILED', message);
}

function documentOf(value: unknown, { member }: OutputRequest): unknown {
  return member === undefined ? value : (value as Readonly<Record<string, unknown>>)[member];
}

async function render(document: unknown, { format, compression }: OutputRequest): Promise<Buffer> {
  const bytes = Buffer.from(await RENDER[format](document));
  return compression === undefined ? bytes : COMPRESS[compression](bytes);
}
