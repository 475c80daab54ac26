import type { Volume } from './disk.ts';
import type { DevicePlace } from './filesystem/file-system.ts';
import { FILE_SYSTEM_FORMATS } from './filesystem/formats.ts';
import { openSpanning } from './open-volume.ts';

interface Member {
  readonly volume: Volume;
  readonly place: DevicePlace;
}

/** A filesystem that lies on several volumes is opened from its first, now that all are known. */
export function joinDevices(volumes: readonly Volume[]): readonly Volume[] {
  const members = volumes.flatMap(memberOf);
  const groups = [...Map.groupBy(members, ({ place }) => place.fileSystem).values()].map(distinct);
  const joined = new Map(groups.filter(({ length }) => length > 1).flatMap(join));
  return volumes.map((volume) => joined.get(volume) ?? volume);
}

function memberOf(volume: Volume): readonly Member[] {
  const format = FILE_SYSTEM_FORMATS.find(({ name }) => name === volume.signature?.type);
  const place = format?.deviceOf?.(volume.source);
  return place === undefined ? [] : [{ volume, place }];
}

/** Of two copies of one device, the first: a copy is a filesystem of its own. */
function distinct(members: readonly Member[]): readonly Member[] {
  return members.filter(
    ({ place }, index) => members.findIndex((other) => other.place.device === place.device) === index,
  );
}

function join(members: readonly Member[]): (readonly [before: Volume, after: Volume])[] {
  const [first, ...others] = members.map(({ volume }) => volume) as [Volume, ...Volume[]];
  const devices = members.map(({ volume }) => volume.device);
  const sources = others.map(({ source }) => source);
  return [
    [first, { ...openSpanning(first, sources), members: devices }],
    // what is on them is in the first
    ...others.map((volume) => [volume, { ...volume, fileSystem: undefined, error: undefined }] as const),
  ];
}
