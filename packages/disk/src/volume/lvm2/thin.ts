import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type Piece, PieceSource } from '../../source/piece-source.ts';
import { corrupt } from './error.ts';
import type { LogicalVolumes } from './logical-volumes.ts';
import { type ThinMapping, ThinMetadata } from './thin-metadata.ts';
import type { Segment } from './volume-group.ts';

/** A thin volume: blocks of its pool where it has any, else its external origin where it has one, else zeros. */
export function openThinVolume({ terms, sizeBytes }: Segment, volumes: LogicalVolumes): ByteSource {
  const poolName = terms.text('thin_pool');
  const [pool] = volumes.require(poolName).segments;
  if (pool?.type !== 'thin-pool') throw corrupt('metadata', `${quote(poolName)} is no thin pool`);
  const metadata = new ThinMetadata(volumes.open(pool.terms.text('metadata')));
  const data = volumes.open(pool.terms.text('pool'));
  const external = terms.optionalText('external_origin');
  const origin = external === undefined ? undefined : volumes.open(external);
  const mapping = metadata.deviceOf(terms.number('device_id'));
  return new PieceSource(sizeBytes, (offset) => pieceOf(offset, { mapping, data, origin }));
}

interface ThinParts {
  readonly mapping: ThinMapping;
  readonly data: ByteSource;
  readonly origin: ByteSource | undefined;
}

function pieceOf(offset: number, { mapping, data, origin }: ThinParts): Piece {
  const { blockBytes } = mapping;
  const block = Math.floor(offset / blockBytes);
  const within = offset - block * blockBytes;
  const { block: stored, count } = mapping.find(block);
  if (stored !== undefined) {
    const start = stored * blockBytes;
    if (start + blockBytes > data.sizeBytes) throw corrupt('thin pool', `block ${stored} is past the end of its data`);
    return { kind: 'stored', source: data, offset: start + within, length: blockBytes - within };
  }
  const length = count * blockBytes - within;
  if (origin === undefined || offset >= origin.sizeBytes) return { kind: 'absent', length };
  return { kind: 'stored', source: origin, offset, length: Math.min(length, origin.sizeBytes - offset) };
}
