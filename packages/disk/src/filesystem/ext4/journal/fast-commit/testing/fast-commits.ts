import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { withMounted } from '../../../../../../../../test/support/loop-mount.ts';
import { crc32c } from '../../../../../crc32c.ts';
import { readFields } from '../../../../../fields.ts';
import { MemorySource } from '../../../../../source/memory-source.ts';
import { GroupDescriptors } from '../../../group-descriptors.ts';
import { readInode } from '../../../inode.ts';
import { makeExt } from '../../../testing/image.ts';
import { Ext4Volume } from '../../../volume.ts';
import { JournalLog } from '../../log.ts';
import { RECORD_HEADER, RECORD_HEADER_SIZE, RECORD_TAG, TAIL_CRC } from '../layout.ts';

/** What happens to a mounted filesystem: `at` names a file in it. */
export type Story = (at: (name: string) => string) => void;

export interface StoryOptions {
  /** Of mke2fs. */
  readonly args: string;
  /** Before the last transaction. */
  readonly prepare: Story;
  /** After it; what is synced here goes into fast commits. */
  readonly story: Story;
}

/** An image copied while it was in use; `undefined` where none can be mounted. */
export function copyAfterStory(image: string, { args, prepare, story }: StoryOptions): Buffer | undefined {
  makeExt(image, { args: `${args} -O fast_commit`, sizeBytes: 24 * 2 ** 20 });
  return withMounted(image, 'rw,noatime', (target) => {
    const at = (name: string) => path.join(target, name);
    prepare(at);
    execFileSync('sync', ['-f', target]);
    story(at);
    copyFileSync(image, `${image}-copy`);
    return readFileSync(`${image}-copy`);
  });
}

/** Where the blocks of an image are that fast commits were written to. */
export function fastCommitBlocks(bytes: Uint8Array): { readonly offset: number; readonly length: number }[] {
  const volume = new Ext4Volume(new MemorySource(bytes));
  const log = new JournalLog(volume, readInode(volume, new GroupDescriptors(volume), volume.superblock.journalInode));
  const { fastCommitStart, fastCommitEnd, blockSize } = log.superblock;
  const blocks = Array.from({ length: fastCommitEnd - fastCommitStart }, (_, index) => fastCommitStart + index);
  const written = blocks.filter((block) => log.block(block).some((byte) => byte !== 0));
  return written.map((block) => ({ offset: log.offsetOf(block), length: blockSize }));
}

/** Gives the fast commits of a block the checksums that they must have, as far as their lengths lead. */
export function seal(block: Uint8Array): void {
  let sum = 0;
  for (let position = 0; position + RECORD_HEADER_SIZE <= block.length; ) {
    const { fc_tag, fc_len } = readFields(block.subarray(position), RECORD_HEADER);
    const end = position + RECORD_HEADER_SIZE + fc_len;
    if (fc_tag === RECORD_TAG.TAIL && end <= block.length) {
      const stored = position + RECORD_HEADER_SIZE + TAIL_CRC;
      sum = crc32c(sum, block.subarray(position, stored));
      block.set(new Uint8Array(Uint32Array.of(sum).buffer), stored);
      sum = 0;
    } else sum = crc32c(sum, block.subarray(position, end));
    position = end;
  }
}
