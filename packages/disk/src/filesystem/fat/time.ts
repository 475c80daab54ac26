import type { FileTime } from '../file-system.ts';

// without the day of a leap year; a month that is none counts as the first
const DAYS_BEFORE_MONTH = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 0, 0, 0];
const DAYS_TO_1980 = 3652;
const YEAR_2100 = 120;
const DAY = 86_400;
const TEN_MILLISECONDS = 10_000_000;

/**
 * A moment as FAT keeps it: local time, taken for UTC, in steps of two seconds and, where there are any, hundredths of a second
 * up to 1.99. What is not in the calendar is counted on, as the kernel does.
 */
export function timeOf(date: number, time: number, hundredths: number): FileTime {
  const seconds = (time & 0x1f) * 2 + ((time >> 5) & 0x3f) * 60 + (time >> 11) * 3600;
  return {
    seconds: daysOf(date) * DAY + seconds + Math.floor(hundredths / 100),
    nanoseconds: (hundredths % 100) * TEN_MILLISECONDS,
  };
}

function daysOf(date: number): number {
  const year = date >> 9;
  const month = Math.max(1, (date >> 5) & 0xf);
  const day = Math.max(1, date & 0x1f) - 1;
  return year * 365 + leapDays(year, month) + (DAYS_BEFORE_MONTH[month] ?? 0) + day + DAYS_TO_1980;
}

/** Years count from 1980, which is one of four; 2100 is none. */
function leapDays(year: number, month: number): number {
  const before = Math.floor((year + 3) / 4) - (year > YEAR_2100 ? 1 : 0);
  const isLeapYear = year % 4 === 0 && year !== YEAR_2100;
  return isLeapYear && month > 2 ? before + 1 : before;
}
