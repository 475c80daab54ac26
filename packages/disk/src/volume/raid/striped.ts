import type { ByteSource } from '../../source/byte-source.ts';
import type { MappedSource } from '../../source/extent.ts';
import { PieceSource } from '../../source/piece-source.ts';

/** Chunks dealt in turn to sources that are equally long. */
export function stripeSources(parts: readonly ByteSource[], chunkBytes: number, sizeBytes: number): MappedSource {
  return new PieceSource(sizeBytes, (offset) => {
    const chunk = Math.floor(offset / chunkBytes);
    const within = offset - chunk * chunkBytes;
    const source = partAt(parts, chunk % parts.length);
    const row = Math.floor(chunk / parts.length);
    return { kind: 'stored', source, offset: row * chunkBytes + within, length: chunkBytes - within };
  });
}

function partAt(parts: readonly ByteSource[], index: number): ByteSource {
  const part = parts[index];
  if (part === undefined) throw new RangeError(`Cannot find stripe ${index} of ${parts.length}`);
  return part;
}
