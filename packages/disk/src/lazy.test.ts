import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { lazy, loadAll } from './lazy.ts';

const CALL = /\blazy</g;
/** The compiler and Node are told of one module; tests rely on the form (see test/support/import-lazy-modules.ts). */
const WELL_FORMED = /\blazy<typeof import\('([^']+)'\)>\(\s*import\.meta,\s*'\1',?\s*\)/g;

describe('lazy', () => {
  test('gives a module when it is called for, and the same each time', () => {
    const load = lazy<typeof import('./hex.ts')>(import.meta, './hex.ts');
    expect(load().hex(16)).toBe('0x10');
    expect(load()).toBe(load());
  });

  test('does not load before that', () => {
    const load = lazy<typeof import('./hex.ts')>(import.meta, './absent.ts');
    expect(load).toThrow('absent.ts');
    expect(loadAll).toThrow('absent.ts');
  });

  test.each(sources())('is told of the same module twice by %s', (file) => {
    const code = readFileSync(path.join(import.meta.dirname, file), 'utf8');
    expect(code.match(WELL_FORMED)).toHaveLength(code.match(CALL)?.length ?? 0);
  });
});

/** Those that load something later. */
function sources(): string[] {
  return readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' }).filter(
    (file) =>
      /(?<!\.test)\.ts$/.test(file) &&
      file !== 'lazy.ts' &&
      readFileSync(path.join(import.meta.dirname, file), 'utf8').includes('lazy<'),
  );
}
