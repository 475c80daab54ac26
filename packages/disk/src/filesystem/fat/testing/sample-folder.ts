import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Fills a folder with one of everything that FAT keeps. */
export function makeSampleFolder(folder: string): string {
  mkdirSync(folder);
  const at = (name: string) => path.join(folder, name);
  for (const size of SIZES) writeFileSync(at(`size-${size}`), randomBytes(size));
  for (const name of NAMES) writeFileSync(at(name), name);
  for (const name of readdirSync(folder)) utimesSync(at(name), EVEN_SECOND, EVEN_SECOND);
  for (const [name, seconds] of Object.entries(TIMES)) {
    writeFileSync(at(name), name);
    utimesSync(at(name), seconds, seconds);
  }
  mkdirSync(at('empty folder'));
  mkdirSync(at(`deep/${'d/'.repeat(40)}`), { recursive: true });
  mkdirSync(at('many'));
  for (let index = 0; index < 120; index++) {
    const file = at(`many/a name of two slots ${index}`);
    writeFileSync(file, `${index}`);
    utimesSync(file, EVEN_SECOND, EVEN_SECOND + index * 2);
  }
  return folder;
}

const EVEN_SECOND = 1_700_000_000;

const SIZES = [0, 1, 511, 512, 513, 2048, 4097, 32_768, 32_769, 100_000];

const NAMES = [
  'UPPER.TXT',
  'lower.txt',
  'low-up.TXT',
  'UP-LOW.txt',
  'Mixed.Txt',
  'NOEXT',
  'thirteen-char',
  'fourteen-chars',
  'exactly-twenty-six-letters',
  'two.dots.here',
  '.hidden',
  'with space',
  ' leading space',
  '+,;=[]',
  'ünïcödé näme.txt',
  '日本語のファイル',
  'n'.repeat(200),
  'similar long name 1.txt',
  'similar long name 2.txt',
];

const TIMES: Readonly<Record<string, number>> = {
  first: Date.UTC(1980, 0, 1) / 1000,
  'leap-day': Date.UTC(2024, 1, 29, 23, 59, 58) / 1000,
  'after-leap-day': Date.UTC(2000, 2, 1) / 1000,
  'after-2038': Date.UTC(2040, 11, 31, 12, 34, 56) / 1000,
};
