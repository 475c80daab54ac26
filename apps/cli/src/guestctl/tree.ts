import { createFileTree, type Disk, FILE_SYSTEM_FORMATS, type FileTree, type Volume } from '@guestkit/disk';
import { CommandError } from '../exit-code.ts';
import { findVolume, listVolumes } from './find-volume.ts';
import type { TreeOptions } from './guestctl.ts';
import { note } from './note.ts';
import { withDisk } from './open-image.ts';
import { findSubvolume } from './subvolume.ts';

const WHOLE_DISK = '/dev/sda';

/** Runs an action on the files that a command is about: of one filesystem, or of the guest as it would mount itself. */
export function withTree(
  image: string,
  options: TreeOptions,
  action: (tree: FileTree) => Promise<void>,
): Promise<void> {
  return withDisk(image, options, async (disk) => action(await chooseTree(disk, options)));
}

async function chooseTree(disk: Disk, options: TreeOptions): Promise<FileTree> {
  if (options.device !== undefined) return treeOfDevice(disk, options.device);
  const known = disk.volumes.filter((volume) => volume.signature !== undefined || volume.fileSystem !== undefined);
  const [only, ...others] = known;
  if (only === undefined || others.length > 0) return (await guestTree(disk, options)) ?? wholeDisc(disk);
  // a guest that lives in subvolumes is not what the top of its filesystem shows
  const hasParts = (only.fileSystem?.subvolumes ?? []).length > 0;
  return (hasParts ? await guestTree(disk, options) : undefined) ?? treeOf(only);
}

function treeOfDevice(disk: Disk, device: string): FileTree {
  const subvolume = findSubvolume(disk, device);
  return subvolume ?? treeOf(spanningVolume(disk, findVolume(disk, device)));
}

async function guestTree(disk: Disk, options: TreeOptions): Promise<FileTree | undefined> {
  // loaded only here: it knows what a guest's root looks like
  const { assembleRoot } = await import('@guestkit/guest');
  const [root] = assembleRoot(disk);
  if (root !== undefined) note(options, root.warnings);
  return root?.tree;
}

/** A disc that boots from a stick too has partitions, which are about the start of the machine: its files are those of the whole. */
function wholeDisc(disk: Disk): FileTree {
  const whole = disk.table && disk.volumes.find(({ device }) => device === WHOLE_DISK);
  if (whole?.fileSystem === undefined) throw nothingToChoose(disk);
  return createFileTree(whole.fileSystem);
}

/** A filesystem on several volumes is opened from its first, and may be named by any. */
function spanningVolume({ volumes }: Disk, named: Volume): Volume {
  const spanning = volumes.find(
    ({ device, members = [] }) => members.includes(device) && members.includes(named.device),
  );
  return spanning ?? named;
}

function treeOf({ device, fileSystem, signature, error }: Volume): FileTree {
  if (fileSystem !== undefined) return createFileTree(fileSystem);
  if (error !== undefined) throw error;
  const content = signature === undefined ? 'nothing known' : signature.type;
  const expected = new Intl.ListFormat('en', { type: 'disjunction' }).format(
    FILE_SYSTEM_FORMATS.map(({ name }) => name),
  );
  throw new CommandError('unsupported', `Cannot read files of ${device}: it holds ${content}, expected ${expected}`);
}

function nothingToChoose({ volumes }: Disk): Error {
  const damaged = volumes.find((volume) => volume.error !== undefined)?.error;
  if (damaged !== undefined && volumes.every((volume) => volume.fileSystem === undefined)) return damaged;
  const state = `no operating system tells which filesystem to read, and there are several or none: ${listVolumes(volumes)}`;
  return new CommandError('not-found', `Cannot choose a filesystem: ${state}; name one with --device`);
}
