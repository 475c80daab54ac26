import type { FileType } from '../file-system.ts';
import { decodeName } from '../name.ts';
import type { ByteRun } from '../run-content.ts';
import { typeOfMode } from '../unix-mode.ts';
import type { Descriptors, VolumeDescriptor } from './descriptor.ts';
import { checkName, JOLIET_NAMES, type Naming, PLAIN_NAMES, ROCK_RIDGE_NAMES } from './naming.ts';
import type { DirectoryRecord } from './record.ts';
import { type RockRidge, readRockRidge } from './rock-ridge.ts';
import { readSharing, type Sharing } from './system-use.ts';
import { type FileRecord, Iso9660Volume } from './volume.ts';

/** The one tree of a disc that is shown. */
export interface IsoTree {
  readonly volume: Iso9660Volume;
  readonly root: ByteRun;
  readonly naming: Naming;
  readonly sharing: Sharing | undefined;
}

export interface FolderEntry extends FileRecord {
  readonly name: string;
  readonly type: FileType;
  readonly rockRidge: RockRidge | undefined;
}

/** Rock Ridge before Joliet before long names before plain ones, as Linux chooses. */
export function chooseTree(volume: Iso9660Volume, { primary, joliet, enhanced }: Descriptors): IsoTree {
  const sharing = readSharing(volume, volume.ownRecord(primary.root.extent.offset));
  // there are discs whose plain tree is empty
  const isEmpty = joliet !== undefined && volume.files(primary.root.extent).next().done === true;
  if (sharing !== undefined && !isEmpty) return treeOf(volume, primary, ROCK_RIDGE_NAMES, sharing);
  if (joliet !== undefined) return treeOf(volume, joliet, JOLIET_NAMES);
  return treeOf(volume, enhanced ?? primary, PLAIN_NAMES);
}

function treeOf(
  volume: Iso9660Volume,
  { root, blockSize }: VolumeDescriptor,
  naming: Naming,
  sharing?: Sharing,
): IsoTree {
  const own = blockSize === volume.blockSize ? volume : new Iso9660Volume(volume.source, blockSize);
  return { volume: own, root: root.extent, naming, sharing };
}

/** The entries of a folder; those of folders that were moved stand where they came from. */
export function* readFolder({ volume, naming, sharing }: IsoTree, folder: ByteRun): Generator<FolderEntry> {
  for (const record of volume.files(folder)) {
    const rockRidge = sharing && readRockRidge(volume, record.first, sharing);
    if (rockRidge?.isRelocated) continue;
    const name = rockRidge?.name === undefined ? naming.decode(record.first.identifier) : decodeName(rockRidge.name);
    const type = typeOf(record.first, rockRidge);
    yield { ...record, name: checkName(name, record.first.at), type, rockRidge };
  }
}

function typeOf({ isFolder }: DirectoryRecord, rockRidge: RockRidge | undefined): FileType {
  if (isFolder || rockRidge?.childBlock !== undefined) return 'directory';
  const type = rockRidge?.posix && typeOfMode(rockRidge.posix.mode);
  // what is no folder has no records to be one by
  return type === undefined || type === 'directory' ? 'file' : type;
}
