import type { ImageFormat } from './image.ts';
import { luksFormat } from './luks/format.ts';
import { ovaFormat, ovfFormat } from './ova/format.ts';
import { parallelsFormat } from './parallels/format.ts';
import { qcow2Format } from './qcow2/format.ts';
import { RECOGNISED_FORMATS } from './recognised.ts';
import { vdiFormat } from './vdi/format.ts';
import { vhdFormat } from './vhd/format.ts';
import { vhdxFormat } from './vhdx/format.ts';
import { vmdkFormat } from './vmdk/format.ts';

/** Every container that can be read. Raw is not here: it is what remains when nothing known matches. */
const READABLE_FORMATS: readonly ImageFormat[] = [
  qcow2Format,
  vmdkFormat,
  vhdFormat,
  vhdxFormat,
  vdiFormat,
  parallelsFormat,
  ovaFormat,
  ovfFormat,
  luksFormat,
];

/** Every container that is known, readable ones first. */
export const IMAGE_FORMATS: readonly ImageFormat[] = [...READABLE_FORMATS, ...RECOGNISED_FORMATS];

/** The containers that can be read, by name. */
export const IMAGE_FORMAT_NAMES: readonly string[] = [...READABLE_FORMATS.map(({ name }) => name), 'raw'];

/** Other names that clients use for a format. */
export const FORMAT_ALIASES: ReadonlyMap<string, string> = new Map([
  ['dd', 'raw'],
  ['vpc', 'vhd'],
  ['qcow', 'qcow2'],
  ['hds', 'parallels'],
  ['hdd', 'parallels'],
  ['e01', 'ewf'],
  ['tar', 'ova'],
  ['gz', 'gzip'],
  ['zst', 'zstd'],
]);
