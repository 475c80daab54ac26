import { readFields } from '../../fields.ts';
import type { FileTime } from '../file-system.ts';
import { splitDevice } from '../unix-mode.ts';
import { corrupt } from './error.ts';
import {
  CHILD_LINK,
  DEVICE,
  LONG_TIME_SIZE,
  LONG_TIMES,
  LONGEST_NAME,
  NAME_FLAG,
  POSIX,
  POSIX_SERIAL,
  POSIX_WITH_SERIAL_SIZE,
  SHORT_TIME_SIZE,
  TIMES,
} from './layout.ts';
import type { DirectoryRecord } from './record.ts';
import { rockRidgeEntries, type Sharing, type SystemUseEntry } from './system-use.ts';
import { longTime, shortTime } from './time.ts';
import type { Iso9660Volume } from './volume.ts';
import { parseZisofsEntry, type Zisofs } from './zisofs.ts';

export interface Posix {
  readonly mode: number;
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** Equal for all names of a file; left out by most programs. */
  readonly serial?: number;
}

type Times = Partial<Record<(typeof TIMES)[number], FileTime>>;

/** What Rock Ridge adds to a record. */
export interface RockRidge {
  readonly name?: Uint8Array;
  readonly posix?: Posix;
  readonly device?: { readonly major: number; readonly minor: number };
  /** What the target of a link is made of, see link-target.ts: what is wrong with it is not the folder's fault. */
  readonly target?: readonly Uint8Array[];
  readonly times: Times;
  readonly zisofs?: Zisofs;
  /** The block of a folder that was moved up because it lay too deep, in the record where it was. */
  readonly childBlock?: number;
  /** Whether the record is that of a folder that was moved. */
  readonly isRelocated: boolean;
}

interface Draft {
  name: number[] | undefined;
  target: Uint8Array[] | undefined;
  posix?: Posix;
  device?: { readonly major: number; readonly minor: number };
  times: Times;
  zisofs?: Zisofs;
  childBlock?: number;
  isRelocated: boolean;
}

export function readRockRidge(volume: Iso9660Volume, record: DirectoryRecord, sharing: Sharing): RockRidge {
  const draft: Draft = { name: undefined, target: undefined, times: {}, isRelocated: false };
  for (const entry of rockRidgeEntries(volume, record, sharing)) ENTRIES[entry.signature]?.(draft, entry);
  const { name, target, ...rest } = draft;
  return { ...rest, ...(name && { name: Uint8Array.from(name) }), ...(target && { target }) };
}

const ENTRIES: Readonly<Record<string, (draft: Draft, entry: SystemUseEntry) => void>> = {
  NM: addName,
  PX: (draft, entry) => {
    draft.posix = posixOf(entry);
  },
  PN: (draft, entry) => {
    draft.device = deviceOf(entry);
  },
  SL: (draft, { content }) => {
    // a flag, whether another entry follows, comes first: the components tell as much
    draft.target = [...(draft.target ?? []), content.subarray(1)];
  },
  TF: (draft, entry) => {
    draft.times = { ...draft.times, ...timesOf(entry) };
  },
  ZF: (draft, { content, at }) => {
    draft.zisofs = parseZisofsEntry(content, at);
  },
  CL: (draft, { content, at }) => {
    draft.childBlock = readFields(content, CHILD_LINK, { format: 'iso9660', offset: at }).block;
  },
  RE: (draft) => {
    draft.isRelocated = true;
  },
};

function addName(draft: Draft, { content, at }: SystemUseEntry): void {
  const [flags = 0] = content;
  // `.` and `..` need no names
  if ((flags & (NAME_FLAG.current | NAME_FLAG.parent)) !== 0) return;
  draft.name = [...(draft.name ?? []), ...content.subarray(1)];
  if (draft.name.length <= LONGEST_NAME) return;
  throw corrupt(`Cannot read name: it has ${draft.name.length} bytes, expected at most ${LONGEST_NAME}`, at);
}

function posixOf({ content, at }: SystemUseEntry): Posix {
  const place = { format: 'iso9660', offset: at };
  const fields = readFields(content, POSIX, place);
  return content.length < POSIX_WITH_SERIAL_SIZE ? fields : { ...fields, ...readFields(content, POSIX_SERIAL, place) };
}

/** Linux programs leave the upper half empty, and have the number in the lower one as the C library puts it together. */
function deviceOf({ content, at }: SystemUseEntry) {
  const { high, low } = readFields(content, DEVICE, { format: 'iso9660', offset: at });
  if (high !== 0 || low <= 0xff) return { major: high, minor: low };
  return splitDevice(low);
}

function timesOf({ content, at }: SystemUseEntry): Times {
  const [flags = 0] = content;
  const isLong = (flags & LONG_TIMES) !== 0;
  const size = isLong ? LONG_TIME_SIZE : SHORT_TIME_SIZE;
  const kept = TIMES.filter((_, bit) => (flags & (1 << bit)) !== 0);
  if (1 + kept.length * size > content.length) throw corrupt(`Cannot read times: ${kept.length} do not fit`, at);
  return Object.fromEntries(
    kept.map((name, index) => {
      const bytes = content.subarray(1 + index * size, 1 + (index + 1) * size);
      return [name, isLong ? longTime(bytes) : shortTime(bytes)];
    }),
  );
}
