import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskMap, MappedRun } from '../mapped-image.ts';

/** One piece of a disk, offsets from its own start. */
export interface VmdkExtent extends DiskMap {
  readonly sizeBytes: number;
  /** Size of the unit of allocation; `undefined` where everything is stored, or nothing. */
  readonly grainBytes: number | undefined;
  readonly isCompressed: boolean;
  readonly warnings: readonly string[];
}

/** A run of a file that is the disk itself. */
export function flatExtent(source: ByteSource, start: number, sizeBytes: number): VmdkExtent {
  const unitAt = (offset: number): MappedRun => {
    return { kind: 'data', length: sizeBytes - offset, source, host: start + offset };
  };
  return { sizeBytes, grainBytes: undefined, isCompressed: false, warnings: [], unitAt };
}

/** A run of the disk that no file has. */
export function zeroExtent(sizeBytes: number): VmdkExtent {
  const unitAt = (offset: number): MappedRun => ({ kind: 'zero', length: sizeBytes - offset });
  return { sizeBytes, grainBytes: undefined, isCompressed: false, warnings: [], unitAt };
}
