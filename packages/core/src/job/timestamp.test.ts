import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { epochMsOf, normaliseTimestamp, timestampOf } from './timestamp.ts';

describe('normaliseTimestamp', () => {
  test.each([
    ['2026-01-30T10:00:00Z', '2026-01-30T10:00:00Z'],
    ['2026-01-30t10:00:00z', '2026-01-30T10:00:00Z'],
    ['2026-01-30 10:00:00Z', '2026-01-30T10:00:00Z'],
    ['2026-01-30T10:00:00+05:30', '2026-01-30T04:30:00Z'],
    ['2026-01-30T10:00:00+0530', '2026-01-30T04:30:00Z'],
    ['2026-01-30T10:00:00 -05:00', '2026-01-30T15:00:00Z'],
    ['2026-01-30T10:00:00\u221205:00', '2026-01-30T15:00:00Z'],
    ['2026-01-30T10:00:00-00:00', '2026-01-30T10:00:00Z'],
    ['2026-01-30T10:00:00UTC', '2026-01-30T10:00:00Z'],
    ['2026-01-30T10:00:00 utc', '2026-01-30T10:00:00Z'],
    [' 2026 - 01 - 30T 10 : 00 : 00 Z ', '2026-01-30T10:00:00Z'],
    ['2026-1-3T1:0:0Z', '2026-01-03T01:00:00Z'],
    ['+2026-01-30T10:00:00Z', '2026-01-30T10:00:00Z'],
    ['+12026-01-30T10:00:00Z', '+12026-01-30T10:00:00Z'],
    ['-0001-01-30T10:00:00Z', '-0001-01-30T10:00:00Z'],
    ['0099-12-31T23:30:00-01:00', '0100-01-01T00:30:00Z'],
    ['2026-12-31T23:30:00-01:00', '2027-01-01T00:30:00Z'],
    ['2024-02-29T00:00:00+12:00', '2024-02-28T12:00:00Z'],
    ['2026-06-30T23:59:60Z', '2026-06-30T23:59:60Z'],
    ['2026-07-01T01:59:60.5+02:00', '2026-06-30T23:59:60.500Z'],
    ['2026-01-30T10:00:00.1Z', '2026-01-30T10:00:00.100Z'],
    ['2026-01-30T10:00:00.000Z', '2026-01-30T10:00:00Z'],
    ['2026-01-30T10:00:00.1000001Z', '2026-01-30T10:00:00.100000100Z'],
    ['2026-01-30T10:00:00.123456Z', '2026-01-30T10:00:00.123456Z'],
    ['2026-01-30T10:00:00.1234567899Z', '2026-01-30T10:00:00.123456789Z'],
  ])('reads %j as %s', (text, normalised) => {
    expect(normaliseTimestamp(text)).toBe(normalised);
  });

  test.each([
    '',
    'tomorrow',
    '2026-01-30',
    '2026-01-30T10:00:00',
    '2026-01-30T10:00Z',
    '2026-02-30T10:00:00Z',
    '2026-02-29T10:00:00Z',
    '2026-00-01T10:00:00Z',
    '2026-13-01T10:00:00Z',
    '2026-01-00T10:00:00Z',
    '2026-01-30T24:00:00Z',
    '2026-01-30T10:60:00Z',
    '2026-01-30T10:00:61Z',
    '2026-01-30T10:00:00+24:00',
    '2026-01-30T10:00:00+05:60',
    '2026-01-30T10:00:00+5',
    '2026-01-30T10:00:00.Z',
    '2026-01-30T10:00:00Z junk',
    '20260-01-30T10:00:00Z',
    '+999999-01-30T10:00:00Z',
    '1769767200',
  ])('refuses %j', (text) => {
    expect(normaliseTimestamp(text)).toBeUndefined();
  });

  test('agrees with Date on every moment and offset, and changes nothing the second time', () => {
    const moments = fc.date({ min: new Date('0001-01-03'), max: new Date('9998-12-29'), noInvalidDate: true });
    const offsets = fc.integer({ min: -23 * 60 - 59, max: 23 * 60 + 59 });
    fc.assert(
      fc.property(moments, offsets, (moment, offset) => {
        const normalised = normaliseTimestamp(inZone(moment, offset));
        expect(normalised?.replace('Z', '')).toBe(moment.toISOString().replace(/(\.000)?Z/, ''));
        expect(normaliseTimestamp(normalised ?? '')).toBe(normalised);
        expect(epochMsOf(normalised ?? '')).toBe(moment.getTime());
      }),
    );
  });

  test('takes a long hostile text in no time', () => {
    const started = performance.now();
    expect(normaliseTimestamp(`2026${' '.repeat(100_000)}x`)).toBeUndefined();
    expect(normaliseTimestamp(`2026-01-30T10:00:00${' '.repeat(100_000)}x`)).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

test('epochMsOf counts a leap second as the one after it', () => {
  expect(epochMsOf('2026-06-30T23:59:60Z')).toBe(Date.UTC(2026, 6, 1));
});

test('timestampOf writes milliseconds in UTC', () => {
  expect(timestampOf(1500)).toBe('1970-01-01T00:00:01.500Z');
});

function inZone(moment: Date, offsetMinutes: number): string {
  const local = new Date(moment.getTime() + offsetMinutes * 60_000).toISOString().replace('Z', '');
  const size = Math.abs(offsetMinutes);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${local}${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}
