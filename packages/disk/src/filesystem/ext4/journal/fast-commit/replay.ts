import { DiskError } from '../../../../error.ts';
import { readFields } from '../../../../fields.ts';
import { quote } from '../../../../quote.ts';
import { decodeName, isFileName } from '../../../name.ts';
import { corrupt } from '../../corrupt.ts';
import { leafEntry } from '../../extent-map.ts';
import { MAX_FILE_BLOCKS } from '../../file-content.ts';
import { GroupDescriptors } from '../../group-descriptors.ts';
import { isUserInode, readInode, readRawInode } from '../../inode.ts';
import type { Ext4Volume } from '../../volume.ts';
import { ChangedFolder } from './changed-folder.ts';
import { ChangedInode } from './changed-inode.ts';
import type { ChangedRange } from './changed-map.ts';
import { FastCommitChanges } from './changes.ts';
import {
  ADD_RANGE,
  ADD_RANGE_EXTENT,
  DEL_RANGE,
  DENTRY,
  DENTRY_NAME,
  INODE_RECORD,
  INODE_RECORD_RAW,
  RECORD_TAG,
} from './layout.ts';
import type { FastCommitRecord } from './scan.ts';

/**
 * What records of fast commits make of a filesystem, as the kernel replays them: what names an inode that is not in use is passed over.
 * @throws DiskError `corrupt` or `unsupported` where one of the records cannot be replayed
 */
export function replayFastCommits(volume: Ext4Volume, records: readonly FastCommitRecord[]): FastCommitChanges {
  return new FastCommitReplay(volume).changes(records);
}

class FastCommitReplay {
  readonly #volume: Ext4Volume;
  readonly #groups: GroupDescriptors;
  readonly #inodes = new Map<number, ChangedInode>();
  readonly #folders = new Map<number, ChangedFolder>();
  readonly #actions: Readonly<Record<number, (record: FastCommitRecord) => void>> = {
    [RECORD_TAG.INODE]: (record) => this.#record(record),
    [RECORD_TAG.ADD_RANGE]: (record) => this.#addRange(record),
    [RECORD_TAG.DEL_RANGE]: (record) => this.#deleteRange(record),
    [RECORD_TAG.CREAT]: (record) => this.#create(record),
    [RECORD_TAG.LINK]: (record) => this.#link(record),
    [RECORD_TAG.UNLINK]: (record) => this.#unlink(record),
  };

  constructor(volume: Ext4Volume) {
    this.#volume = volume;
    this.#groups = new GroupDescriptors(volume);
  }

  changes(records: readonly FastCommitRecord[]): FastCommitChanges {
    for (const record of records) this.#actions[record.tag]?.(record);
    return new FastCommitChanges(this.#volume.superblock, this.#inodes, this.#folders);
  }

  #record({ value, offset }: FastCommitRecord): void {
    const number = this.#checked(readFields(value, INODE_RECORD).fc_ino, offset);
    const inode = this.#inode(number);
    inode.record(value.subarray(INODE_RECORD_RAW));
    this.#expectExtents(inode, offset);
    this.#inodes.set(number, inode);
  }

  #addRange({ value, offset }: FastCommitRecord): void {
    const { first, end, physical, isUnwritten } = leafEntry(value, ADD_RANGE_EXTENT);
    this.#volume.checkBlocks(physical, end - first);
    this.#setRange(readFields(value, ADD_RANGE).fc_ino, { first, end, physical, isUnwritten }, offset);
  }

  #deleteRange({ value, offset }: FastCommitRecord): void {
    const { fc_ino, fc_lblk: first, fc_len: count } = readFields(value, DEL_RANGE);
    this.#setRange(fc_ino, { first, end: first + count, physical: undefined, isUnwritten: false }, offset);
  }

  #setRange(number: number, range: ChangedRange, offset: number): void {
    const { first, end } = range;
    if (end > MAX_FILE_BLOCKS) throw wrong(`blocks ${first} to ${end} are more than a file can have`, offset);
    const inode = this.#existing(number, offset);
    if (inode === undefined || end === first) return;
    this.#expectExtents(inode, offset);
    inode.ranges.set(range);
  }

  #create(record: FastCommitRecord): void {
    const { folder, name, number } = this.#nameIn(record);
    const inode = this.#existing(number, record.offset);
    if (inode === undefined) throw wrong(`inode ${number} has a name and no content`, record.offset);
    if (inode.type === 'directory') this.#folders.set(number, new ChangedFolder({ isNew: true }));
    this.#folder(folder).add({ name, inode: number, type: inode.type });
    inode.links = 1;
  }

  #link(record: FastCommitRecord): void {
    const { folder, name, number } = this.#nameIn(record);
    const inode = this.#existing(number, record.offset);
    if (inode === undefined) return;
    this.#folder(folder).add({ name, inode: number, type: inode.type });
    inode.links += 1;
  }

  #unlink(record: FastCommitRecord): void {
    const { folder, name, number } = this.#nameIn(record);
    const inode = this.#existing(number, record.offset);
    if (inode === undefined) return;
    this.#folder(folder).remove({ name, inode: number, type: inode.type });
    // a folder has one name
    if (inode.links > 1 && inode.type !== 'directory') inode.links -= 1;
    else inode.free();
  }

  #nameIn({ value, offset }: FastCommitRecord) {
    const { fc_parent_ino, fc_ino } = readFields(value, DENTRY);
    const name = decodeName(value.subarray(DENTRY_NAME));
    if (!isFileName(name)) throw wrong(`bad name ${quote(name)}`, offset + DENTRY_NAME);
    return { folder: this.#checked(fc_parent_ino, offset), name, number: this.#checked(fc_ino, offset) };
  }

  #folder(number: number): ChangedFolder {
    const known = this.#folders.get(number);
    if (known !== undefined) return known;
    const folder = new ChangedFolder({ isNew: false });
    this.#folders.set(number, folder);
    return folder;
  }

  /** An inode that is in use, from now on one of those changed. */
  #existing(number: number, offset: number): ChangedInode | undefined {
    const inode = this.#inode(this.#checked(number, offset));
    if (!inode.isInUse) return undefined;
    // read for its checksum, which later will no longer be that of its bytes
    if (!this.#inodes.has(number)) readInode(this.#volume, this.#groups, number);
    this.#inodes.set(number, inode);
    return inode;
  }

  #inode(number: number): ChangedInode {
    return this.#inodes.get(number) ?? new ChangedInode(readRawInode(this.#volume, this.#groups, number));
  }

  #checked(number: number, offset: number): number {
    if (isUserInode(this.#volume.superblock, number)) return number;
    throw wrong(`there is no inode ${number} to change`, offset);
  }

  #expectExtents(inode: ChangedInode, offset: number): void {
    if (!inode.hasPointers) return;
    const message = `Cannot replay fast commits: inode ${inode.raw.number} has no extents`;
    throw new DiskError('unsupported', message, { format: 'ext4', offset });
  }
}

function wrong(state: string, offset: number): DiskError {
  return corrupt(`Cannot replay fast commits: ${state}`, offset);
}
