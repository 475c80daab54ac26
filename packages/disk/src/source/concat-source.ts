import type { ByteSource } from './byte-source.ts';
import type { MappedSource } from './extent.ts';
import { PieceSource } from './piece-source.ts';

/** Sources one behind the other. */
export function concatSources(parts: readonly ByteSource[]): MappedSource {
  const starts: number[] = [];
  let sizeBytes = 0;
  for (const part of parts) {
    starts.push(sizeBytes);
    sizeBytes += part.sizeBytes;
  }
  return new PieceSource(sizeBytes, (offset) => {
    const index = lastAtOrBefore(starts, offset);
    const source = parts[index];
    const start = starts[index];
    if (source === undefined || start === undefined) throw new RangeError(`Cannot find the part at ${offset}`);
    return { kind: 'stored', source, offset: offset - start, length: start + source.sizeBytes - offset };
  });
}

/** Of parts that begin at one offset, the last: those before it are empty. */
function lastAtOrBefore(starts: readonly number[], offset: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
