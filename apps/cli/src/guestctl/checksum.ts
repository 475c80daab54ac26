import { createHash } from 'node:crypto';
import { shownAddress } from '@guestkit/core/remote/address';
import { type ByteSource, readInOrder } from '@guestkit/disk';
import { printable } from '@guestkit/operations/report/printable';
import { print } from '../output/print.ts';
import { withBytes } from './chosen-bytes.ts';
import type { DeviceOptions } from './guestctl.ts';

interface ChecksumDocument {
  readonly image: string;
  readonly device: string | null;
  readonly size: number;
  /** Of what had to be read: holes are known to be zeros. */
  readonly bytes_read: number;
  readonly sha256: string;
}

/** SHA-256 of what a guest sees: of one disk, the same in whatever container it is kept. */
export async function checksum(image: string, options: DeviceOptions): Promise<void> {
  await withBytes(image, options, async (source) => {
    const document = {
      image: shownAddress(image),
      device: options.device ?? null,
      size: source.sizeBytes,
      ...(await sha256Of(source)),
    };
    await print(options.output, document, render);
  });
}

async function sha256Of(source: ByteSource): Promise<Pick<ChecksumDocument, 'bytes_read' | 'sha256'>> {
  const digest = createHash('sha256');
  let bytesRead = 0;
  for await (const { kind, bytes } of readInOrder(source)) {
    if (kind === 'data') bytesRead += bytes.length;
    digest.update(bytes);
  }
  return { bytes_read: bytesRead, sha256: digest.digest('hex') };
}

/** As `sha256sum` prints it. */
function render({ sha256, image, device }: ChecksumDocument): string {
  return `${sha256}  ${printable(device === null ? image : `${image} ${device}`)}\n`;
}
