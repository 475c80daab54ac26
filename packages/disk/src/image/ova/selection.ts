import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { DiskImage } from '../image.ts';
import type { OvfDescriptor, OvfDisk, OvfFile } from './descriptor.ts';
import { unsupported } from './error.ts';

// Which disk of a descriptor is meant, and what the descriptor says of it; `offset` is where the descriptor lies.

/** @throws DiskError `not-found` when there is no such disk, counted from 1 */
export function selectDisk({ disks }: OvfDescriptor, number: number, offset: number): OvfDisk {
  const disk = disks[number - 1];
  if (disk !== undefined) return disk;
  const message = `Cannot open disk ${number} of the archive: it has ${disks.length}`;
  throw new DiskError('not-found', message, { format: 'ova', offset });
}

/** @throws DiskError `unsupported` when the disk is blank, or its file has to be unpacked first */
export function findFile({ id, file }: OvfDisk, offset: number): OvfFile {
  if (file === undefined) throw unsupported('disk', `${quote(id)} is blank, expected one with a file`, offset);
  const { href, compression = 'identity' } = file;
  if (compression === 'identity' || compression === '') return file;
  throw unsupported('disk', `${quote(href)} is compressed (${quote(compression)}), expected it as it is`, offset);
}

/** Words in the URIs of formats. */
const FORMAT_WORDS = ['vmdk', 'vhdx', 'vhd', 'qcow', 'vdi'];

export function claimedBy({ format = '' }: OvfDisk): string | undefined {
  return FORMAT_WORDS.find((word) => format.toLowerCase().includes(word));
}

/** @param asked the number that the caller named, if any */
export function selectionWarnings({ disks }: OvfDescriptor, asked: number | undefined): readonly string[] {
  if (asked !== undefined || disks.length < 2) return [];
  return [`archive has ${disks.length} disks: this is the first`];
}

export function capacityWarnings({ capacity }: OvfDisk, { sizeBytes }: DiskImage): readonly string[] {
  if (capacity === undefined || capacity === sizeBytes) return [];
  return [`descriptor gives the disk ${capacity} bytes, it has ${sizeBytes}`];
}

/** The disks and machines of a descriptor, and which of the disks is open, as facts. */
export function detailsOf({ disks, systems }: OvfDescriptor, number: number) {
  return {
    disk: number,
    disks: disks.map(({ id, capacity, format, file }, index) => {
      return { disk: index + 1, id, file: file?.href ?? null, capacity: capacity ?? null, format: format ?? null };
    }),
    machines: systems,
  };
}
