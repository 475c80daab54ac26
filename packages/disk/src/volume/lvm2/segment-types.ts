import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { PieceSource } from '../../source/piece-source.ts';
import { joinMirroredStripes } from '../raid/mirrored-stripes.ts';
import { joinParityArray } from '../raid/parity.ts';
import { RAID5_LAYOUTS, RAID6_LAYOUTS } from '../raid/parity-layout.ts';
import { stripeSources } from '../raid/striped.ts';
import { corrupt, unsupported } from './error.ts';
import { SECTOR_BYTES } from './layout.ts';
import type { LogicalVolumes } from './logical-volumes.ts';
import { openSnapshot } from './snapshot.ts';
import { openThinVolume } from './thin.ts';
import type { Segment } from './volume-group.ts';

export type SegmentOpener = (segment: Segment, volumes: LogicalVolumes) => ByteSource;

/** Names of LVM for the layouts of md: `lvconvert --type raid5_ls`. */
const PARITY_TYPES: Readonly<Record<string, readonly [level: 5 | 6, layout: number]>> = {
  raid4: [5, 4],
  raid5: [5, 2],
  raid5_la: [5, 0],
  raid5_ra: [5, 1],
  raid5_ls: [5, 2],
  raid5_rs: [5, 3],
  raid5_n: [5, 5],
  raid6: [6, 8],
  raid6_zr: [6, 8],
  raid6_nr: [6, 9],
  raid6_nc: [6, 10],
  raid6_n_6: [6, 5],
  raid6_la_6: [6, 16],
  raid6_ra_6: [6, 17],
  raid6_ls_6: [6, 18],
  raid6_rs_6: [6, 19],
};

/** How each type of segment is read. */
export const SEGMENT_TYPES: Readonly<Record<string, SegmentOpener>> = {
  linear: openStriped,
  striped: openStriped,
  zero: ({ sizeBytes }) => new PieceSource(sizeBytes, (offset) => ({ kind: 'zero', length: sizeBytes - offset })),
  error: ({ sizeBytes }) =>
    new PieceSource(sizeBytes, () => {
      throw unsupported('logical volume', 'this part of it is an error target, which nobody can read');
    }),
  mirror: (segment, volumes) => openMirror(segment.terms.parts('mirrors'), segment, volumes),
  raid1: (segment, volumes) => openMirror(imagesOf(segment), segment, volumes),
  raid0: openRaid0,
  raid0_meta: openRaid0,
  raid10: openRaid10,
  raid10_near: openRaid10,
  ...parityTypes(),
  snapshot: openSnapshot,
  thin: openThinVolume,
  cache: openCached,
  writecache: (segment) => refuseCache(segment, 'its write cache may hold what is not on it'),
};

function openStriped({ sizeBytes, terms }: Segment, volumes: LogicalVolumes): ByteSource {
  const stripes = terms.parts('stripes');
  const each = shareOf(sizeBytes, stripes.length);
  const parts = stripes.map(([name, extent]) => volumes.openPart(name, extent, each));
  const [first] = parts;
  if (parts.length === 1 && first !== undefined) return first;
  return stripeSources(parts, chunkOf(terms.number('stripe_size')), sizeBytes);
}

/** All legs are alike once they are in step; one that is being rebuilt comes last or is marked by the kernel alone. */
function openMirror(
  legs: readonly (readonly [string, number])[],
  { sizeBytes }: Segment,
  volumes: LogicalVolumes,
): ByteSource {
  for (const [name, extent] of legs) {
    const leg = volumes.openPartIfPresent(name, extent, sizeBytes);
    if (leg !== undefined) return leg;
  }
  throw unsupported('logical volume', 'no leg of its mirror is complete');
}

/** The images of a RAID segment: pairs of metadata and data, or data alone. */
function imagesOf({ terms }: Segment): readonly (readonly [string, number])[] {
  if (terms.has('raid0_lvs')) return terms.names('raid0_lvs').map((name) => [name, 0]);
  const names = terms.names('raids');
  if (names.length % 2 !== 0) throw corrupt('metadata', '"raids" has an odd number of names');
  return names.filter((_, index) => index % 2 === 1).map((name) => [name, 0]);
}

function openRaid0(segment: Segment, volumes: LogicalVolumes): ByteSource {
  const images = imagesOf(segment);
  const each = shareOf(segment.sizeBytes, images.length);
  const parts = images.map(([name, extent]) => volumes.openPart(name, extent, each));
  return stripeSources(parts, chunkOf(segment.terms.number('stripe_size')), segment.sizeBytes);
}

function openRaid10(segment: Segment, volumes: LogicalVolumes): ByteSource {
  const { sizeBytes, terms } = segment;
  const images = imagesOf(segment);
  const copies = terms.number('data_copies', 2);
  if (copies < 1 || copies > images.length) throw corrupt('metadata', `RAID 10 has ${copies} copies`);
  const each = Math.ceil((sizeBytes * copies) / images.length);
  return joinMirroredStripes({
    members: images.map(([name]) => volumes.openPartIfPresent(name, 0, each)),
    nearCopies: copies,
    farCopies: 1,
    isOffset: false,
    chunkBytes: chunkOf(terms.number('stripe_size')),
    sizeBytes,
    farStrideBytes: 0,
  });
}

function parityTypes(): Readonly<Record<string, SegmentOpener>> {
  return Object.fromEntries(
    Object.entries(PARITY_TYPES).map(([type, [level, layout]]) => [
      type,
      (segment, volumes) => openParity(segment, volumes, { level, layout }),
    ]),
  );
}

function openParity(
  segment: Segment,
  volumes: LogicalVolumes,
  { level, layout }: { readonly level: 5 | 6; readonly layout: number },
): ByteSource {
  const { sizeBytes, terms } = segment;
  const images = imagesOf(segment);
  const rows = (level === 5 ? RAID5_LAYOUTS : RAID6_LAYOUTS).get(layout);
  if (rows === undefined || images.length < level - 2)
    throw corrupt('metadata', `RAID ${level} has ${images.length} images`);
  const each = shareOf(sizeBytes, images.length - (level - 4));
  const members = images.map(([name]) => volumes.openPartIfPresent(name, 0, each));
  return joinParityArray({ members, level, layout: rows, chunkBytes: chunkOf(terms.number('stripe_size')), sizeBytes });
}

/** What is written through is on the origin too; what is written back may be in the cache alone. */
function openCached(segment: Segment, volumes: LogicalVolumes): ByteSource {
  const { terms, sizeBytes } = segment;
  const pool = terms.optionalText('cache_pool') ?? '';
  const poolTerms = volumes.group.logicalVolumes.get(pool)?.segments[0]?.terms;
  const mode = terms.optionalText('cache_mode') ?? poolTerms?.optionalText('cache_mode');
  if (mode === 'writethrough' || mode === 'passthrough') return volumes.openPart(terms.text('origin'), 0, sizeBytes);
  return refuseCache(segment, `its cache is of mode ${quote(mode ?? 'unknown')} and may hold what is not on it`);
}

function refuseCache({ terms }: Segment, why: string): never {
  throw unsupported(
    `logical volume over ${quote(terms.optionalText('origin') ?? 'a cache')}`,
    `${why}: uncache it first`,
  );
}

function chunkOf(sectors: number): number {
  if (sectors < 1 || sectors > 2 ** 21) throw corrupt('metadata', `stripes have ${sectors} sectors`);
  return sectors * SECTOR_BYTES;
}

function shareOf(sizeBytes: number, count: number): number {
  if (sizeBytes % count !== 0)
    throw corrupt('metadata', `a segment of ${sizeBytes} bytes is dealt to ${count} stripes`);
  return sizeBytes / count;
}
