import type { Volume } from '../../disk.ts';
import { asFact } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { WindowSource } from '../../source/window-source.ts';
import type { LayerOutcome } from '../layer.ts';
import { type ArrayMember, joinArray } from './array.ts';
import { corrupt } from './error.ts';
import { type MemberSuperblock, readSuperblock } from './superblock.ts';

const FIRST_NUMBER = 127;

/** Arrays, named as Linux names those it finds: `/dev/md127`, then `/dev/md126` and so on. */
export function assembleArrays(volumes: readonly Volume[]): readonly LayerOutcome[] {
  const members: ArrayMember[] = [];
  const failures: LayerOutcome[] = [];
  for (const { device, source } of volumes) {
    try {
      const superblock = readSuperblock(source);
      members.push({ device, superblock, data: dataOf(source, superblock) });
    } catch (error) {
      failures.push({ device, members: [device], error: asFact(error) });
    }
  }
  const arrays = Map.groupBy(members, ({ superblock }) => superblock.arrayId);
  return [...failures, ...[...arrays.values()].map((array, index) => open(array, `/dev/md${FIRST_NUMBER - index}`))];
}

function dataOf(source: ByteSource, { dataOffset, dataBytes }: MemberSuperblock): ByteSource {
  if (dataOffset + dataBytes > source.sizeBytes) {
    throw corrupt(`its data of ${dataBytes} bytes at ${dataOffset} reaches past the end`, 128);
  }
  return new WindowSource(source, dataOffset, dataBytes);
}

function open(array: readonly ArrayMember[], device: string): LayerOutcome {
  const members = array.map((member) => member.device);
  try {
    return { device, members, source: joinArray(array) };
  } catch (error) {
    return { device, members, error: asFact(error) };
  }
}
