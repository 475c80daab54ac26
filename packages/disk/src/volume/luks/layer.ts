import type { Volume } from '../../disk.ts';
import type { OpenedMember } from '../layer.ts';
import type { Unlocking } from '../unlocking.ts';
import { openLuks } from './open.ts';

/** Named as systemd names what it opens. @throws DiskError as `openLuks` does */
export function decryptLuks({ source, signature }: Volume, unlocking: Unlocking): OpenedMember {
  return { device: `/dev/mapper/luks-${signature?.uuid ?? 'unknown'}`, source: openLuks(source, unlocking) };
}
