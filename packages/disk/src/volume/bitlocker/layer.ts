import type { Volume } from '../../disk.ts';
import type { OpenedMember } from '../layer.ts';
import type { Unlocking } from '../unlocking.ts';
import { openBitlocker } from './open.ts';

/** @throws DiskError as `openBitlocker` does */
export function decryptBitlocker({ source }: Volume, unlocking: Unlocking): OpenedMember {
  const { guid, plain } = openBitlocker(source, unlocking);
  return { device: `/dev/mapper/bitlk-${guid}`, source: plain };
}
