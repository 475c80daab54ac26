import type { BlockMap } from './block-map.ts';
import { ExtentMap } from './extent-map.ts';
import { has } from './features.ts';
import { IndirectMap } from './indirect-map.ts';
import type { Inode } from './inode.ts';
import { INODE_FLAG } from './layout.ts';
import type { Ext4Volume } from './volume.ts';

/** Where the blocks of an inode are, by whichever of the two maps it has. */
export function blockMapOf(volume: Ext4Volume, inode: Inode): BlockMap {
  const Mapping = has(inode.flags, INODE_FLAG.EXTENTS) ? ExtentMap : IndirectMap;
  return new Mapping(volume, inode);
}
