import { asFact } from '../../../error.ts';
import { lazy } from '../../../lazy.ts';
import type { ByteSource } from '../../../source/byte-source.ts';
import { WindowSource } from '../../../source/window-source.ts';
import { unknownLogFeature } from '../features.ts';
import type { Superblock } from '../superblock.ts';
import { XfsVolume } from '../volume.ts';
import { findRange } from './find-range.ts';
import { LogBlocks } from './log-blocks.ts';
import type { Replayed } from './replay.ts';

const code = lazy<typeof import('./replay.ts')>(import.meta, './replay.ts');

export interface OpenedLog extends Replayed {
  /** Counters, and maps of free space, are to be trusted: all that was logged is in its place. */
  readonly isApplied: boolean;
  /** Whether there was anything to replay. */
  readonly isDirty: boolean;
}

/** The filesystem as it is with what its log says. A log that cannot be replayed leaves it as it was, and is told of. */
export function applyLog(source: ByteSource, superblock: Superblock): OpenedLog {
  const asItWas = (reason: string): OpenedLog => {
    const warning = `log not replayed: the newest changes may be missing (${reason})`;
    return { source, warnings: [warning], isApplied: false, isDirty: true };
  };
  if (superblock.logStart === 0) return asItWas('it is on another device');
  try {
    const log = logOf(source, superblock);
    const range = findRange(log, superblock.version === 5);
    if (range === undefined) return { source, warnings: [], isApplied: true, isDirty: false };
    const unknown = unknownLogFeature(superblock.logIncompat);
    if (unknown !== undefined) return asItWas(`unknown feature ${unknown} of the log`);
    const { source: replayed, warnings } = code().replay(source, superblock, log, range);
    const told = 'not unmounted cleanly: the log was replayed in memory';
    return { source: replayed, warnings: [told, ...warnings], isApplied: true, isDirty: true };
  } catch (error) {
    return asItWas(asFact(error).message);
  }
}

function logOf(source: ByteSource, superblock: Superblock): LogBlocks {
  const { logStart, logBlocks, blockSize } = superblock;
  const volume = new XfsVolume(source, superblock);
  return new LogBlocks(new WindowSource(source, volume.checkBlocks(logStart, logBlocks), logBlocks * blockSize));
}
