import type { Volume } from '../../disk.ts';
import { asFact, type DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { LayerOutcome } from '../layer.ts';
import { parseConfigText } from './config-text.ts';
import { type PhysicalVolumeLabel, readLabel } from './label.ts';
import { LogicalVolumes } from './logical-volumes.ts';
import { readMetadataText } from './metadata-area.ts';
import { type LogicalVolume, toVolumeGroup, type VolumeGroup } from './volume-group.ts';

/** Logical volumes, each as `/dev/GROUP/VOLUME`. */
export function assembleGroups(members: readonly Volume[]): readonly LayerOutcome[] {
  const read = members.map(readMember);
  const groups = newestGroups(read.flatMap(({ groups }) => groups));
  const present = new Map(read.flatMap(({ id, volume }) => (id === undefined ? [] : [[id, volume.source] as const])));
  return [
    ...read.flatMap(({ failure, volume }) => (failure === undefined ? [] : [failureOf(volume, failure)])),
    ...groups.flatMap((group) => openGroup(group, { read, present })),
  ];
}

interface ReadMember {
  readonly volume: Volume;
  /** Of the physical volume. */
  readonly id: string | undefined;
  readonly groups: readonly VolumeGroup[];
  readonly failure: DiskError | undefined;
}

/** One damaged copy of the metadata does no harm while there is another. */
function readMember(volume: Volume): ReadMember {
  let label: PhysicalVolumeLabel;
  try {
    label = readLabel(volume.source);
  } catch (error) {
    return { volume, id: undefined, groups: [], failure: asFact(error) };
  }
  const groups: VolumeGroup[] = [];
  let failure: DiskError | undefined;
  for (const area of label.metadataAreas) {
    try {
      const text = readMetadataText(volume.source, area);
      if (text !== undefined) groups.push(toVolumeGroup(parseConfigText(text)));
    } catch (error) {
      failure = asFact(error);
    }
  }
  return { volume, id: label.id, groups, failure: groups.length === 0 ? failure : undefined };
}

function newestGroups(groups: readonly VolumeGroup[]): readonly VolumeGroup[] {
  const newest = new Map<string, VolumeGroup>();
  for (const group of groups) {
    if ((newest.get(group.id)?.sequence ?? -1) < group.sequence) newest.set(group.id, group);
  }
  return [...newest.values()];
}

interface Members {
  readonly read: readonly ReadMember[];
  readonly present: ReadonlyMap<string, ByteSource>;
}

function openGroup(group: VolumeGroup, { read, present }: Members): readonly LayerOutcome[] {
  const ids = new Set([...group.physicalVolumes.values()].map(({ id }) => id));
  const members = read.flatMap(({ id, volume }) => (id !== undefined && ids.has(id) ? [volume.device] : []));
  const volumes = new LogicalVolumes(group, present);
  const shown = [...group.logicalVolumes.values()].filter((volume) => isShown(volume, group));
  return shown.map((volume) => {
    const device = `/dev/${group.name}/${volume.name}`;
    try {
      return { device, members, source: volumes.open(snapshotOn(volume.name, group) ?? volume.name) };
    } catch (error) {
      return { device, members, error: asFact(error) };
    }
  });
}

/** Pools hold the blocks of others; a snapshot is known by the name of its store. Neither has a device of its own. */
const NOT_SHOWN: ReadonlySet<string | undefined> = new Set(['thin-pool', 'cache-pool', 'vdo-pool', 'snapshot']);

function isShown({ name, isVisible, segments }: LogicalVolume, group: VolumeGroup): boolean {
  return (isVisible && !NOT_SHOWN.has(segments[0]?.type)) || snapshotOn(name, group) !== undefined;
}

/** The extents of an old snapshot are its store: what it shows is described by a volume without extents of its own. */
function snapshotOn(store: string, { logicalVolumes }: VolumeGroup): string | undefined {
  const snapshots = [...logicalVolumes.values()].filter(({ segments }) => segments[0]?.type === 'snapshot');
  return snapshots.find(({ segments }) => segments[0]?.terms.optionalText('cow_store') === store)?.name;
}

function failureOf({ device }: Volume, error: DiskError): LayerOutcome {
  return { device, members: [device], error };
}
