import type { ByteSource } from '../../source/byte-source.ts';
import { concatSources } from '../../source/concat-source.ts';
import { WindowSource } from '../../source/window-source.ts';
import { joinMirroredStripes } from '../raid/mirrored-stripes.ts';
import { joinParityArray } from '../raid/parity.ts';
import { RAID5_LAYOUTS, RAID6_LAYOUTS } from '../raid/parity-layout.ts';
import { stripeSources } from '../raid/striped.ts';
import { unsupported } from './error.ts';
import { LEVEL } from './layout.ts';
import type { MemberSuperblock } from './superblock.ts';

/** A volume with the superblock on it. */
export interface ArrayMember {
  readonly device: string;
  readonly superblock: MemberSuperblock;
  readonly data: ByteSource;
}

/** The data of an array. @throws DiskError `unsupported` when too many members are missing, or its level is not known here */
export function joinArray(found: readonly ArrayMember[]): ByteSource {
  const newest = found.reduce((best, member) => (member.superblock.events > best.superblock.events ? member : best));
  const { superblock } = newest;
  const places = placesOf(found, superblock);
  const join = JOINS[superblock.level];
  if (join === undefined) throw unsupported(`its level is ${superblock.level}, expected linear, 0, 1, 4, 5, 6 or 10`);
  return join(superblock, places);
}

type Places = readonly (ByteSource | undefined)[];

/** The members in step, by their places. One that missed changes was left out by the others; at a crash they may be one apart. */
function placesOf(found: readonly ArrayMember[], { members, events }: MemberSuperblock): Places {
  return Array.from({ length: members }, (_, place) => {
    const inStep = found.filter(({ superblock }) => superblock.place === place && superblock.events >= events - 1);
    return inStep.sort((a, b) => b.superblock.events - a.superblock.events)[0]?.data;
  });
}

const JOINS: Readonly<Record<number, (array: MemberSuperblock, places: Places) => ByteSource>> = {
  [LEVEL.linear]: (_, places) => concatSources(all(places)),
  0: joinStriped,
  1: joinMirror,
  [LEVEL.multipath]: joinMirror,
  4: (array, places) => joinParity(array, places, { level: 5, layout: 5 }),
  5: (array, places) => joinParity(array, places, { level: 5, layout: array.layout }),
  6: (array, places) => joinParity(array, places, { level: 6, layout: array.layout }),
  10: joinTen,
};

function all(places: Places): readonly ByteSource[] {
  const present = places.filter((place) => place !== undefined);
  if (present.length === places.length) return present;
  throw unsupported(`${places.length - present.length} of its ${places.length} members are missing`);
}

/** Members of different sizes are striped in zones, which need a rule that not every superblock tells. */
function joinStriped(array: MemberSuperblock, places: Places): ByteSource {
  const chunkBytes = chunkOf(array);
  const sizes = all(places).map(({ sizeBytes }) => Math.floor(sizeBytes / chunkBytes) * chunkBytes);
  const [size = 0] = sizes;
  if (sizes.some((other) => other !== size)) throw unsupported('its members are striped, but of different sizes');
  return stripeSources(all(places), chunkBytes, size * sizes.length);
}

function joinMirror({ usedBytes, members }: MemberSuperblock, places: Places): ByteSource {
  const leg = places.find((place) => place !== undefined);
  if (leg === undefined) throw unsupported(`none of its ${members} members is in step`);
  return new WindowSource(leg, 0, Math.min(usedBytes, leg.sizeBytes));
}

function joinParity(
  array: MemberSuperblock,
  places: Places,
  { level, layout }: { readonly level: 5 | 6; readonly layout: number },
): ByteSource {
  const rows = (level === 5 ? RAID5_LAYOUTS : RAID6_LAYOUTS).get(layout);
  if (rows === undefined || places.length < level - 2) throw unsupported(`level ${level} has layout ${layout}`);
  const chunkBytes = chunkOf(array);
  const each = Math.floor(usedOf(array, places) / chunkBytes) * chunkBytes;
  return joinParityArray({
    members: places,
    level,
    layout: rows,
    chunkBytes,
    sizeBytes: each * (places.length - (level - 4)),
  });
}

/** The layout holds the numbers of near and far copies in its bytes, and above them whether far ones are offset. */
function joinTen(array: MemberSuperblock, places: Places): ByteSource {
  const { layout } = array;
  const [nearCopies, farCopies] = [layout & 0xff, (layout >>> 8) & 0xff];
  if (layout >>> 17 !== 0 || nearCopies < 1 || farCopies < 1 || nearCopies * farCopies > places.length) {
    throw unsupported(`level 10 has layout ${layout}`);
  }
  const chunkBytes = chunkOf(array);
  const chunks = Math.floor(usedOf(array, places) / chunkBytes / farCopies);
  const rows = Math.floor((chunks * places.length) / nearCopies);
  return joinMirroredStripes({
    members: places,
    nearCopies,
    farCopies,
    isOffset: layout >>> 16 === 1,
    chunkBytes,
    sizeBytes: rows * chunkBytes,
    farStrideBytes: chunks * chunkBytes,
  });
}

/** What the array uses of each member: all of them hold so much, or it is a size that somebody made up. */
function usedOf({ usedBytes }: MemberSuperblock, places: Places): number {
  const smallest = Math.min(...places.map((place) => place?.sizeBytes ?? Number.POSITIVE_INFINITY));
  if (usedBytes <= smallest) return usedBytes;
  throw unsupported(`it uses ${usedBytes} bytes of each member, of which one holds ${smallest}`);
}

function chunkOf({ chunkBytes }: MemberSuperblock): number {
  if (chunkBytes > 0) return chunkBytes;
  throw unsupported('its chunks have no size');
}
