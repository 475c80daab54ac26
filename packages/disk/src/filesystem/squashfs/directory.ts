import { readFields } from '../../fields.ts';
import { quote } from '../../quote.ts';
import type { FileType } from '../file-system.ts';
import { decodeName, isFileName } from '../name.ts';
import { corrupt } from './error.ts';
import type { Inode } from './inode.ts';
import {
  FOLDER_ENTRY,
  FOLDER_ENTRY_SIZE,
  FOLDER_HEADER,
  FOLDER_HEADER_SIZE,
  LONGEST_NAME,
  MOST_IN_HEADER,
} from './layout.ts';
import type { MetadataPlace } from './superblock.ts';
import type { MetadataReader, SquashfsVolume } from './volume.ts';

export interface FolderEntry {
  readonly name: string;
  readonly type: FileType | undefined;
  readonly inode: MetadataPlace;
}

const TYPES: readonly (FileType | undefined)[] = [
  undefined,
  'directory',
  'file',
  'symlink',
  'block',
  'character',
  'fifo',
  'socket',
];

/** The entries of a folder: runs of those whose inodes are in one block, each with a header. */
export function* readFolder(volume: SquashfsVolume, { folder }: Inode): Iterable<FolderEntry> {
  if (folder === undefined || folder.length === 0) return;
  const reader = volume.metadata(volume.superblock.folderTable, folder);
  for (let left = folder.length; left > 0; ) {
    const header = readFields(reader.take(FOLDER_HEADER_SIZE), FOLDER_HEADER);
    left -= FOLDER_HEADER_SIZE;
    if (header.count >= MOST_IN_HEADER) {
      throw corrupt(`Cannot read folder: a header has ${header.count + 1} entries, expected at most 256`, reader.at);
    }
    for (let index = 0; index <= header.count; index++) {
      const { entry, length } = readEntry(reader, header.start_block);
      left -= length;
      if (left < 0) throw corrupt('Cannot read folder: an entry reaches past its end', reader.at);
      yield entry;
    }
  }
}

function readEntry(reader: MetadataReader, block: number) {
  const fields = readFields(reader.take(FOLDER_ENTRY_SIZE), FOLDER_ENTRY);
  const nameLength = fields.size + 1;
  if (nameLength > LONGEST_NAME) throw corrupt(`Cannot read folder: a name has ${nameLength} bytes`, reader.at);
  const name = decodeName(reader.take(nameLength));
  if (!isFileName(name)) {
    throw corrupt(`Cannot read folder: bad name ${quote(name)}`, reader.at);
  }
  const entry: FolderEntry = { name, type: TYPES[fields.type], inode: { block, offset: fields.offset } };
  return { entry, length: FOLDER_ENTRY_SIZE + nameLength };
}
