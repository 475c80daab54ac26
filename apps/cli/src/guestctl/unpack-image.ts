import { readSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { COMPRESSION_SIGNATURE_SIZE, compressionOf } from '@guestkit/disk';
import { claimOfCompressed } from '@guestkit/operations/staging/claim';
import type { ScratchFile } from '@guestkit/operations/staging/scratch-file';
import type { ImageOptions } from './guestctl.ts';

export interface UnpackedImage {
  readonly scratch: ScratchFile;
  /** What is claimed of what was packed. */
  readonly claimedFormat: string | undefined;
}

/** Unpacks an image that is compressed, and not said to be something else. */
export async function unpackImage(fd: number, options: ImageOptions): Promise<UnpackedImage | undefined> {
  const head = Buffer.alloc(COMPRESSION_SIGNATURE_SIZE);
  readSync(fd, head, 0, head.length, 0);
  const compression = compressionOf(head);
  const claim = compression && claimOfCompressed(options.format, compression);
  if (compression === undefined || claim === undefined) return undefined;
  const { stageImage } = await import('@guestkit/operations/staging/stage');
  const { stagingDir = tmpdir(), stagingLimit } = options;
  const scratch = await stageImage(fd, compression, { folder: stagingDir, limitBytes: stagingLimit });
  return { scratch, claimedFormat: claim.inner };
}
