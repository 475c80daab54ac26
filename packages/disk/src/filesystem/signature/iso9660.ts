import type { ByteSource } from '../../source/byte-source.ts';
import { hasText, magic, peek, type Refinement, toLabel } from './format.ts';

const DESCRIPTORS_OFFSET = 0x8000;
const DESCRIPTOR_SIZE = 2048;
const MOST_DESCRIPTORS = 16;
const TYPE_SUPPLEMENTARY = 2;
const TYPE_END = 255;
const VOLUME_ID = { start: 40, end: 72 };
const ESCAPE_SEQUENCES = 88;
// UCS-2 level 1, 2 and 3: what makes a supplementary descriptor a Joliet one
const JOLIET_ESCAPES = ['%/@', '%/C', '%/E'];
const CREATED = 813;
const MODIFIED = 830;

export function refineIso9660(volume: ByteSource): Refinement | undefined {
  const primary = peek(volume, DESCRIPTORS_OFFSET, DESCRIPTOR_SIZE);
  if (primary === undefined) return undefined;
  const ascii = volumeId(primary);
  const joliet = findJoliet(volume);
  return {
    label: joliet === undefined ? toLabel(ascii) : toLabel(unicodeLabel(ascii, volumeId(joliet)), 'utf-16be'),
    uuid: dateAsIdentity(primary, MODIFIED) ?? dateAsIdentity(primary, CREATED),
  };
}

function volumeId(descriptor: Uint8Array): Uint8Array {
  return descriptor.subarray(VOLUME_ID.start, VOLUME_ID.end);
}

function findJoliet(volume: ByteSource): Uint8Array | undefined {
  for (let index = 1; index < MOST_DESCRIPTORS; index++) {
    const at = DESCRIPTORS_OFFSET + index * DESCRIPTOR_SIZE;
    const descriptor = peek(volume, at, DESCRIPTOR_SIZE);
    if (descriptor === undefined || descriptor[0] === TYPE_END) return undefined;
    const isJoliet = JOLIET_ESCAPES.some((sequence) => hasText(volume, magic(sequence, at + ESCAPE_SEQUENCES)));
    if (descriptor[0] === TYPE_SUPPLEMENTARY && isJoliet) return descriptor;
  }
  return undefined;
}

/**
 * Joliet keeps 16 characters of Unicode, the primary descriptor 32 of upper-case ASCII with `_` for the rest. When they agree, the
 * label is put together from both, as blkid does.
 */
function unicodeLabel(ascii: Uint8Array, utf16: Uint8Array): Uint8Array {
  const short = new TextDecoder('utf-16be').decode(utf16);
  const long = new TextDecoder('latin1').decode(ascii);
  const agrees = [...short].every((character, index) => {
    return long[index] === '_' || long[index]?.toUpperCase() === character.toUpperCase();
  });
  if (!agrees) return utf16;
  const rest = [...ascii.subarray(short.length)].flatMap((byte) => [0, byte]);
  return Uint8Array.from([...utf16, ...rest]);
}

/** `2009-09-24-10-32-43-00`; `undefined` when the date is left out. */
function dateAsIdentity(descriptor: Uint8Array, at: number): string | undefined {
  const digits = new TextDecoder('latin1').decode(descriptor.subarray(at, at + 16));
  if (!/^\d{16}$/.test(digits) || /^0+$/.test(digits)) return undefined;
  return digits.replace(/^(.{4})(..)(..)(..)(..)(..)(..)$/, '$1-$2-$3-$4-$5-$6-$7');
}
