// RFC 3339 in full, and the laxities clients rely on (protocol section 2.1): unpadded numbers, spaces around parts, `+0530`, `UTC`, a signed year
const DATE = String.raw`\s*([+-]\d{1,6}|\d{1,4})\s*-\s*(\d{1,2})\s*-\s*(\d{1,2})`;
const TIME = String.raw`\s*(\d{1,2})\s*:\s*(\d{1,2})\s*:\s*(\d{1,2})(?:\.(\d+))?`;
const OFFSET = String.raw`\s*(?:z|utc|([+\-\u2212])(\d\d)[:\s]*(\d\d))\s*`;
const TIMESTAMP = new RegExp(`^${DATE}[t ]${TIME}${OFFSET}$`, 'i');

// what clients' own libraries can hold, and well within what Date can
const YEAR_MAX = 262_142;
const MINUTE_MS = 60_000;

interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  /** 60 in a leap second. */
  readonly second: number;
  /** Up to nine digits, as written. */
  readonly fraction: string;
  readonly offsetMinutes: number;
}

/** As JavaScript writes them, milliseconds and all, unless those are none. */
const USUAL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d\d\dZ$/;

/** The same moment in UTC with `Z` and 0, 3, 6 or 9 fraction digits; `undefined` when the text is not a timestamp. */
export function normaliseTimestamp(text: string): string | undefined {
  if (isUsual(text)) return text;
  const moment = readMoment(text);
  return moment && isPossible(moment) ? inUtc(moment) : undefined;
}

/** Nearly all are, and need no more than a look. */
function isUsual(text: string): boolean {
  if (!USUAL.test(text) || text.endsWith('.000Z')) return false;
  // what the clock of this moment has just written is a time
  if (text === latest.text) return true;
  const epochMs = Date.parse(text);
  return !Number.isNaN(epochMs) && timestampOf(epochMs) === text;
}

/** Milliseconds since the epoch of a normalised timestamp; a leap second counts as the second after it. */
export function epochMsOf(timestamp: string): number {
  if (isUsual(timestamp)) return Date.parse(timestamp);
  const moment = readMoment(timestamp);
  if (moment === undefined) throw new TypeError(`Cannot read "${timestamp}": it is not a timestamp`);
  const startOfMinute = minuteOf(moment).getTime();
  return startOfMinute + moment.second * 1000 + Number(moment.fraction.padEnd(3, '0').slice(0, 3));
}

let latest = { epochMs: Number.NaN, text: '' };

/** The timestamp of a moment in milliseconds since the epoch. Much happens within one. */
export function timestampOf(epochMs: number): string {
  if (epochMs !== latest.epochMs) latest = { epochMs, text: new Date(epochMs).toISOString() };
  return latest.text;
}

function readMoment(text: string): Moment | undefined {
  const parts = TIMESTAMP.exec(text);
  if (parts === null) return undefined;
  const [year, month, day, hour, minute, second] = parts.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const [fraction = '', sign, offsetHours = '0', offsetMinutes = '0'] = parts.slice(7);
  // beyond any real offset: let it fail as impossible
  const size = Number(offsetMinutes) > 59 ? Number.NaN : Number(offsetHours) * 60 + Number(offsetMinutes);
  return {
    year,
    month,
    day,
    hour,
    minute,
    second,
    fraction: fraction.slice(0, 9),
    offsetMinutes: sign === undefined || sign === '+' ? size : -size,
  };
}

function isPossible(moment: Moment): boolean {
  const date = dateOf(moment.year, moment.month, moment.day);
  return (
    Math.abs(moment.year) <= YEAR_MAX &&
    date.getUTCMonth() === moment.month - 1 &&
    date.getUTCDate() === moment.day &&
    moment.hour < 24 &&
    moment.minute < 60 &&
    moment.second <= 60 &&
    Math.abs(moment.offsetMinutes) < 24 * 60
  );
}

function inUtc(moment: Moment): string {
  const minute = minuteOf(moment);
  const date = [year(minute.getUTCFullYear()), two(minute.getUTCMonth() + 1), two(minute.getUTCDate())].join('-');
  const time = [two(minute.getUTCHours()), two(minute.getUTCMinutes()), two(moment.second)].join(':');
  return `${date}T${time}${fractionOf(moment.fraction)}Z`;
}

/** The minute in UTC. Seconds stay out: offsets are whole minutes, and Date knows no leap second. */
function minuteOf(moment: Moment): Date {
  const midnight = dateOf(moment.year, moment.month, moment.day).getTime();
  return new Date(midnight + (moment.hour * 60 + moment.minute - moment.offsetMinutes) * MINUTE_MS);
}

/** Date.UTC takes years below 100 for those of the last century. */
function dateOf(year: number, month: number, day: number): Date {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date;
}

function fractionOf(digits: string): string {
  const significant = digits.replace(/0+$/, '').length;
  const kept = Math.ceil(significant / 3) * 3;
  return kept === 0 ? '' : `.${digits.padEnd(9, '0').slice(0, kept)}`;
}

function year(value: number): string {
  if (value >= 0 && value <= 9999) return String(value).padStart(4, '0');
  return (value < 0 ? '-' : '+') + String(Math.abs(value)).padStart(4, '0');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
