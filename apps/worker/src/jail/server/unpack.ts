import { COMPRESSION_SIGNATURE_SIZE, type Compression, compressionOf } from '@guestkit/disk/compression';
import { type CompressedClaim, claimOfCompressed } from '@guestkit/operations/staging/claim';
import type { ScratchFile } from '@guestkit/operations/staging/scratch-file';
import type { ErrorFacts } from '../error-facts.ts';
import type { Ending, StagingRules } from '../task.ts';

export interface PackedImage extends CompressedClaim {
  readonly compression: Compression;
}

/** Whether an image is compressed as a whole, and not said to be something else. */
export function packedImage(readHead: (length: number) => Uint8Array, claimed: string): PackedImage | undefined {
  const compression = compressionOf(readHead(COMPRESSION_SIGNATURE_SIZE));
  const claim = compression && claimOfCompressed(claimed, compression);
  return claim && { ...claim, compression };
}

export interface Unpacking {
  readonly compression: Compression;
  readonly rules: StagingRules;
  readonly command: readonly string[];
  readonly signal: AbortSignal;
  readonly onPiece: () => void;
}

/** Unpacks it in a process of its own. @throws DiskError, see `endingOfUnpacking` */
export async function unpack(fd: number, { compression, rules, ...options }: Unpacking): Promise<ScratchFile> {
  // few images are packed, and this brings part of the engine
  const { stageImage } = await import('@guestkit/operations/staging/stage');
  return stageImage(fd, compression, { ...options, ...rules });
}

const NO_SPACE_CODES: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** What a failure to unpack means for the attempt; `undefined` for another error. */
export function endingOfUnpacking(error: unknown): Ending | undefined {
  if (!isDiskError(error)) return undefined;
  const { name, message, kind, format, offset, cause } = error;
  const { code } = (cause ?? {}) as Partial<NodeJS.ErrnoException>;
  if (NO_SPACE_CODES.includes(code)) return { kind: 'refused', code: 'NO_SPACE', message };
  const facts = {
    name,
    message,
    kind,
    ...(format !== undefined && { format }),
    ...(offset !== undefined && { offset }),
  };
  return { kind: 'error', facts };
}

/** By name: the engine itself is not loaded here. */
function isDiskError(error: unknown): error is Error & Required<Pick<ErrorFacts, 'kind'>> & Partial<ErrorFacts> {
  return error instanceof Error && error.name === 'DiskError';
}
