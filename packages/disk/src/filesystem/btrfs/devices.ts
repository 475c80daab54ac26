import { DiskError } from '../../error.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import type { Chunk } from './chunk.ts';
import { has } from './features.ts';
import { GROUP } from './layout.ts';
import { findSuperblock, readSuperblock, type Superblock } from './superblock.ts';

/** The devices of a filesystem that are at hand, by their number. */
export class Devices {
  /** The newest of all devices: one that was away for a while does not know what happened. */
  readonly superblock: Superblock;
  /** What the filesystem was opened from. */
  readonly own: Superblock['device'];
  readonly #sources: ReadonlyMap<number, ByteSource>;

  constructor(source: ByteSource, others: readonly ByteSource[]) {
    const first = { source, superblock: readSuperblock(source) };
    const related = others.flatMap(memberOf).filter(({ superblock }) => superblock.fsid === first.superblock.fsid);
    const members = [first, ...related].toReversed();
    // of two copies of a device, the one that was asked for counts
    this.#sources = new Map(members.map((member) => [member.superblock.device.id, member.source]));
    this.own = first.superblock.device;
    this.superblock = members
      .filter((member) => this.#sources.get(member.superblock.device.id) === member.source)
      .map((member) => member.superblock)
      .reduce((newest, one) => (one.generation >= newest.generation ? one : newest));
  }

  source(id: number): ByteSource | undefined {
    return this.#sources.get(id);
  }

  /** What of a chunk cannot be read for want of a device; `undefined` when there is another way to everything. */
  lossOf({ start, stripes, profile, type }: Chunk): DiskError | undefined {
    const absent = stripes.filter(({ device }) => !this.#sources.has(device)).map(({ device }) => device);
    const isLost =
      profile.parities > 0
        ? absent.length > profile.parities
        : stripes.some((_, index) => index % profile.copies === 0 && this.#isGroupLost(stripes, index, profile.copies));
    if (!isLost) return undefined;
    const what = has(type, GROUP.DATA) ? 'data' : 'metadata';
    const missing = describeMissing([...new Set(absent)], this.superblock.deviceCount);
    const state = `${missing}, and ${what} in profile ${profile.name} cannot do without`;
    return new DiskError('unsupported', `Cannot read ${what} of btrfs "${this.superblock.fsid}": ${state}`, {
      format: 'btrfs',
      offset: start,
    });
  }

  #isGroupLost(stripes: Chunk['stripes'], first: number, copies: number): boolean {
    return stripes.slice(first, first + copies).every(({ device }) => !this.#sources.has(device));
  }
}

/** `device 2 of 3 is missing`. */
export function describeMissing(ids: readonly number[], count: number): string {
  const names = new Intl.ListFormat('en').format(ids.map(String));
  return ids.length === 1 ? `device ${names} of ${count} is missing` : `devices ${names} of ${count} are missing`;
}

interface Member {
  readonly source: ByteSource;
  readonly superblock: Superblock;
}

function memberOf(source: ByteSource): readonly Member[] {
  const superblock = findSuperblock(source);
  return superblock === undefined ? [] : [{ source, superblock }];
}
