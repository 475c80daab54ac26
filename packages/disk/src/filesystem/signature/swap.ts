import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type Magic, magic, type Refinement, readIdentity, readLabel } from './format.ts';

// the magic is in the last ten bytes of the first page, whatever a page is on that machine
const PAGE_SIZES = [4096, 8192, 16384, 32768, 65536];

export const SWAP_MAGICS = inFirstPage(['SWAP-SPACE', 'SWAPSPACE2']);
export const HIBERNATION_MAGICS = [
  magic('\xed\xc3\x02\xe9\x98\x56\xe5\x0c'), // TuxOnIce
  ...inFirstPage(['S1SUSPEND', 'S2SUSPEND', 'ULSUSPEND', 'LINHIB0001']),
];

function inFirstPage(texts: readonly string[]): readonly Magic[] {
  return texts.flatMap((text) => PAGE_SIZES.map((page) => magic(text, page - 10)));
}

const HEADER_OFFSET = 1024;
const HEADER = { version: [0, 'u32'], last_page: [4, 'u32'], padding: [12 + 16 + 16 + 128, 'u32'] } as const;
const VERSION_ONE = [1, 0x01000000];

export function refineSwap(volume: ByteSource, found: Magic): Refinement | undefined {
  // version 0 has nothing but its magic
  if (found.text === 'SWAP-SPACE') return { label: undefined, uuid: undefined };
  const header = readFields(volume.read(HEADER_OFFSET, 12 + 16 + 16 + 132), HEADER);
  return VERSION_ONE.includes(header.version) && header.last_page !== 0 ? readName(volume, header.padding) : undefined;
}

/** A suspended machine keeps the header of the swap space it was written to. */
export function refineHibernation(volume: ByteSource): Refinement {
  const header = readFields(volume.read(HEADER_OFFSET, 12 + 16 + 16 + 132), HEADER);
  return readName(volume, header.padding);
}

function readName(volume: ByteSource, padding: number): Refinement {
  // where the padding is not zero, what comes before it is none of ours either
  if (padding !== 0) return { label: undefined, uuid: undefined };
  return {
    uuid: readIdentity(volume, { at: HEADER_OFFSET + 12 }),
    label: readLabel(volume, { at: HEADER_OFFSET + 28, length: 16 }),
  };
}
