import { DiskError } from '../../error.ts';
import { hex } from '../../hex.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { MemorySource } from '../../source/memory-source.ts';
import { type Attribute, isEncrypted, isResident, type Mapping } from './attribute.ts';
import type { Geometry } from './boot-sector.ts';
import { ClusterContent, type ClusterLayout } from './cluster-content.ts';
import { CompressedContent } from './compressed-content.ts';
import { corrupt } from './corrupt.ts';
import { ATTRIBUTE_FLAG, MAX_UNIT_BYTES } from './layout.ts';
import { type ClusterRun, checkOverlaps, decodeRuns, MOST_RUNS } from './run-list.ts';

/** The value of an attribute from all pieces that it is kept in, in whatever order. */
export function openValue(volume: ByteSource, geometry: Geometry, pieces: readonly Attribute[]): ByteSource {
  const [first, ...others] = pieces.toSorted((one, other) => firstVcnOf(one) - firstVcnOf(other));
  if (first === undefined) throw new RangeError('Cannot open value: there are no pieces, expected at least one');
  if (isResident(first) && others.length === 0) return new MemorySource(first.body);
  if (isEncrypted(first)) {
    const message = 'Cannot open file: it is encrypted (EFS), the key of a user is needed';
    throw new DiskError('encrypted', message, { format: 'ntfs', offset: first.offset });
  }
  return openMapped(volume, layoutOf(geometry, [first, ...others]), first);
}

function openMapped(volume: ByteSource, layout: ClusterLayout, { body, flags, offset }: Attribute): ByteSource {
  const compression = flags & ATTRIBUTE_FLAG.COMPRESSION_MASK;
  const unit = body instanceof Uint8Array ? 0 : body.compressionUnit;
  if (compression === 0 || unit === 0) return new ClusterContent(volume, layout);
  const unitBytes = layout.clusterBytes * 2 ** unit;
  if (compression === ATTRIBUTE_FLAG.LZNT1 && unitBytes <= MAX_UNIT_BYTES) {
    return new CompressedContent(volume, layout, unitBytes);
  }
  const message = `Cannot open file: compression ${hex(compression)} in units of 2^${unit} clusters is not known`;
  throw new DiskError('unsupported', message, { format: 'ntfs', offset });
}

/** Where a value is that may have runs to be added. */
export interface GrowingLayout extends ClusterLayout {
  readonly runs: ClusterRun[];
}

/** The layout that the first piece of an attribute begins. */
export function beginLayout(geometry: Geometry, first: Attribute): GrowingLayout {
  const { sizes } = mappingOf(first);
  if (sizes === undefined) throw corrupt('Cannot read attribute: its first piece is missing', first.offset);
  const layout = { clusterBytes: geometry.clusterBytes, runs: [], ...sizes };
  addRuns(layout, geometry, first);
  return layout;
}

/** @throws DiskError `corrupt` unless the piece goes on where the last one ended */
export function addRuns({ runs }: GrowingLayout, geometry: Geometry, piece: Attribute): void {
  const { firstVcn, pairs, pairsOffset } = mappingOf(piece);
  const next = endOf(runs);
  if (firstVcn !== next) {
    throw corrupt(`Cannot read run list: it goes on at cluster ${firstVcn}, expected ${next}`, piece.offset);
  }
  for (const run of decodeRuns(pairs, next, geometry, pairsOffset)) runs.push(run);
  if (runs.length <= MOST_RUNS) return;
  const message = `Cannot read run list: it has more than ${MOST_RUNS} runs`;
  throw new DiskError('unsupported', message, { format: 'ntfs', offset: piece.offset });
}

/** @throws DiskError `corrupt` when runs overlap, or there are fewer than were written to */
export function checkLayout({ runs, clusterBytes, validBytes }: ClusterLayout, offset: number): void {
  checkOverlaps(runs, offset);
  const end = endOf(runs);
  if (validBytes <= end * clusterBytes) return;
  throw corrupt(`Cannot read run list: it ends after ${end} clusters, there are ${validBytes} bytes`, offset);
}

function layoutOf(geometry: Geometry, [first, ...others]: readonly [Attribute, ...Attribute[]]): ClusterLayout {
  const layout = beginLayout(geometry, first);
  for (const piece of others) addRuns(layout, geometry, piece);
  checkLayout(layout, first.offset);
  return layout;
}

function endOf(runs: readonly ClusterRun[]): number {
  const last = runs.at(-1);
  return last === undefined ? 0 : last.vcn + last.count;
}

function firstVcnOf({ body }: Attribute): number {
  return body instanceof Uint8Array ? 0 : body.firstVcn;
}

function mappingOf({ body, offset }: Attribute): Mapping {
  if (!(body instanceof Uint8Array)) return body;
  throw corrupt('Cannot read attribute: it is kept right here, expected it in clusters', offset);
}
