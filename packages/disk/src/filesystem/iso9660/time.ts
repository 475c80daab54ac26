import type { FileTime } from '../file-system.ts';
import { LONG_TIME_SIZE, SHORT_TIME_SIZE } from './layout.ts';

const ZONE_SECONDS = 15 * 60;
const EPOCH: FileTime = { seconds: 0, nanoseconds: 0 };

/** A time of seven bytes: years since 1900, month, day, hour, minute, second, quarters of an hour from Greenwich. */
export function shortTime(bytes: Uint8Array): FileTime {
  const [years = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, zone = 0] = bytes.subarray(
    0,
    SHORT_TIME_SIZE,
  );
  // all zeros: no time
  if (month === 0) return EPOCH;
  return timeOf([1900 + years, month, day, hour, minute, second], zone);
}

/** A time of 16 digits, the last two of them hundredths of a second, and the zone as above. */
export function longTime(bytes: Uint8Array): FileTime {
  const digits = new TextDecoder('latin1').decode(bytes.subarray(0, LONG_TIME_SIZE - 1));
  const parts = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(digits)?.slice(1).map(Number);
  if (parts === undefined || parts[1] === 0) return EPOCH;
  const { seconds } = timeOf(parts.slice(0, 6), bytes[LONG_TIME_SIZE - 1] ?? 0);
  return { seconds, nanoseconds: (parts[6] as number) * 10_000_000 };
}

function timeOf([year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0]: number[], zone: number): FileTime {
  const date = new Date(0);
  // Date.UTC would take years below 100 for those of the last century
  date.setUTCFullYear(year, month - 1, day);
  const east = (zone << 24) >> 24;
  return { seconds: date.getTime() / 1000 + hour * 3600 + minute * 60 + second - east * ZONE_SECONDS, nanoseconds: 0 };
}
