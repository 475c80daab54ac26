import type { Volume } from '@guestkit/disk';
import { specWithoutPassword } from '../linux/fstab.ts';

// What the first field of an fstab line means on this disk: fstab(5), mount(8) "indicating the device".

export type Resolution = { readonly volume: Volume } | { readonly reason: string };

interface DiskDevice {
  readonly disk: string;
  /** `undefined` is the whole disk. */
  readonly partition: number | undefined;
}

type Matcher = (volume: Volume, value: string) => boolean;

const TAGS: Readonly<Record<string, Matcher>> = {
  UUID: (volume, value) => same(volume.signature?.uuid ?? volume.fileSystem?.uuid, value),
  LABEL: (volume, value) => (volume.signature?.label ?? volume.fileSystem?.label) === value,
  PARTUUID: (volume, value) => same(volume.partition?.uuid, value),
  PARTLABEL: (volume, value) => volume.partition?.name === value,
};

const BY_FOLDERS = new Map([
  ['by-uuid', 'UUID'],
  ['by-label', 'LABEL'],
  ['by-partuuid', 'PARTUUID'],
  ['by-partlabel', 'PARTLABEL'],
]);

// the one disk of an image, by the names that kernels give to the first disk of a machine
const FIRST_DISKS = new Set(['/dev/sda', '/dev/vda', '/dev/hda', '/dev/xvda', '/dev/nvme0n1', '/dev/mmcblk0']);

/** What a guest calls things itself, as far as it is known. */
export interface GuestNames {
  /** This disk. */
  readonly ownDisk?: string | undefined;
  /** What its crypttab opens: names below /dev/mapper, and what is encrypted. */
  readonly opened?: ReadonlyMap<string, string>;
}

/** Finds the volume that a spec names. */
export function resolveSpec(spec: string, volumes: readonly Volume[], names: GuestNames = {}): Resolution {
  const [tag, value] = tagOf(spec);
  if (tag !== undefined) return resolveTag(tag, value, volumes);
  const device = parseDiskDevice(spec);
  if (device) return resolveDevice(spec, device, volumes, names.ownDisk);
  const named = volumes.find((volume) => volume.device === spec) ?? resolveLayer(spec, volumes, names);
  return named ? { volume: named } : { reason: `'${specWithoutPassword(spec)}' names no volume of this image` };
}

/** `/dev/sdb2`, `/dev/nvme0n1p2`; `undefined` for all that is no disk or partition by kernel name. */
export function parseDiskDevice(spec: string): DiskDevice | undefined {
  const lettered = /^(\/dev\/(?:sd|vd|hd|xvd)[a-z]{1,3})(\d{1,3})?$/.exec(spec);
  const numbered = /^(\/dev\/(?:nvme\d{1,3}n\d{1,3}|mmcblk\d{1,3}))(?:p(\d{1,3}))?$/.exec(spec);
  const [, disk, partition] = lettered ?? numbered ?? [];
  return disk === undefined ? undefined : { disk, partition: partition === undefined ? undefined : Number(partition) };
}

function tagOf(spec: string): readonly [tag: string | undefined, value: string] {
  const [, tag, value = ''] = /^([A-Z]+)=(.+)$/s.exec(spec) ?? [];
  if (tag !== undefined) return [tag, value];
  const [, folder = '', name = ''] = /^\/dev\/disk\/(by-[a-z]+)\/(.+)$/s.exec(spec) ?? [];
  return [BY_FOLDERS.get(folder), unescapeUdev(name)];
}

/** udev writes bytes that do not fit a file name as `\x20`. */
function unescapeUdev(name: string): string {
  return name.replace(/\\x([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

// names of the device mapper and of arrays, and the links that udev makes for them
const MAPPER = /^\/dev\/(?:mapper|disk\/by-id\/dm-name)[/-](.+)$/s;
const ARRAY = /^\/dev\/(?:md\/.+|md_?d?\d{1,3}|disk\/by-id\/md-.+)$/s;
const ARRAY_DEVICE = /^\/dev\/md\d{1,3}$/;

/** A logical volume, what lies in an encrypted volume, or an array, each by the names that it has in a running guest. */
function resolveLayer(spec: string, volumes: readonly Volume[], names: GuestNames): Volume | undefined {
  const mapped = MAPPER.exec(spec)?.[1];
  if (mapped !== undefined) return openedVolume(mapped, volumes, names) ?? logicalVolume(mapped, volumes);
  const arrays = volumes.filter(({ device }) => ARRAY_DEVICE.test(device));
  // arrays are numbered as they are found: only of a single one it is sure which is meant
  return ARRAY.test(spec) && arrays.length === 1 ? arrays[0] : undefined;
}

function openedVolume(name: string, volumes: readonly Volume[], { opened }: GuestNames): Volume | undefined {
  const known = volumes.find(({ device }) => device === `/dev/mapper/${name}`);
  const spec = opened?.get(name);
  if (known !== undefined || spec === undefined) return known;
  const encrypted = resolveSpec(spec, volumes);
  if ('reason' in encrypted) return undefined;
  return volumes.find(({ members }) => members?.includes(encrypted.volume.device));
}

/** `group-volume`, where a dash within either is written twice. */
function logicalVolume(name: string, volumes: readonly Volume[]): Volume | undefined {
  const [, group, volume] = /^((?:[^-]|--)+)-((?:[^-]|--)+)$/s.exec(name) ?? [];
  if (group === undefined || volume === undefined) return undefined;
  const device = `/dev/${group.replaceAll('--', '-')}/${volume.replaceAll('--', '-')}`;
  return volumes.find((candidate) => candidate.device === device);
}

function resolveTag(tag: string, value: string, volumes: readonly Volume[]): Resolution {
  const matches = TAGS[tag];
  if (!matches) return { reason: `The tag '${tag}' is not supported` };
  const volume = volumes.find((candidate) => matches(candidate, value));
  return volume ? { volume } : { reason: `No volume of this image has the ${tag} '${value}'` };
}

function resolveDevice(spec: string, device: DiskDevice, volumes: readonly Volume[], ownDisk?: string): Resolution {
  const isOurs = ownDisk === undefined ? FIRST_DISKS.has(device.disk) : device.disk === ownDisk;
  if (!isOurs) return { reason: `'${spec}' is on a disk that is not in this image` };
  const volume = volumes.find(({ partition }) => partition?.number === device.partition);
  return volume ? { volume } : { reason: `This image has no partition '${spec}'` };
}

/** UUIDs know no case. */
function same(known: string | undefined, wanted: string): boolean {
  return known !== undefined && known.toLowerCase() === wanted.toLowerCase();
}
