import type { FileTime } from '../file-system.ts';

const DAY = 86_400;
const HUNDREDTH_NANOSECONDS = 10_000_000;
/** Set when the offset from UTC is known. */
const ZONE_VALID = 0x80;
const QUARTER_HOUR = 900;

/** A moment as exFAT keeps it: the clock of a place in steps of two seconds, hundredths up to 1.99 s, and how far the place is from UTC. */
export function timeOf(date: number, time: number, hundredths: number, zone: number): FileTime {
  const clock = (time & 0x1f) * 2 + ((time >> 5) & 0x3f) * 60 + (time >> 11) * 3600;
  return {
    seconds: daysOf(date) * DAY + clock + Math.floor(hundredths / 100) - offsetOf(zone),
    nanoseconds: (hundredths % 100) * HUNDREDTH_NANOSECONDS,
  };
}

/** Quarters of an hour in seven bits with a sign. A place that is not known is taken for UTC. */
function offsetOf(zone: number): number {
  if ((zone & ZONE_VALID) === 0) return 0;
  const quarters = zone & 0x7f;
  return (quarters < 0x40 ? quarters : quarters - 0x80) * QUARTER_HOUR;
}

/** Days since 1970. A month or day that is not in the calendar gives what the kernel's mktime64 makes of it. */
function daysOf(date: number): number {
  let year = 1980 + (date >> 9);
  let month = ((date >> 5) & 0xf) - 2;
  if (month <= 0) {
    month += 12;
    year -= 1;
  }
  const leapDays = Math.floor(year / 4) - Math.floor(year / 100) + Math.floor(year / 400);
  return leapDays + Math.floor((367 * month) / 12) + (date & 0x1f) + year * 365 - 719_499;
}
