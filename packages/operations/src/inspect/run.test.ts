import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskError, FileSource } from '@guestkit/disk';
import { DEFAULT_INSPECT_OPTIONS } from '@guestkit/guest';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Progress } from '../operation.ts';
import { inspectOperation } from './operation.ts';
import type { InspectResult } from './run.ts';
import { runInspect } from './run.ts';

const scratch = mkdtempSync(join(tmpdir(), 'guestkit-run-inspect-'));
const hasMke2fs = ['/usr/sbin/mke2fs', '/sbin/mke2fs'].some((path) => existsSync(path));

function makeFileSystem(name: string, files: Readonly<Record<string, string>>): string {
  const root = join(scratch, name);
  mkdirSync(root);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const image = `${root}.img`;
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  execFileSync('mke2fs', ['-q', '-t', 'ext4', '-d', root, image, '8M'], { env });
  return image;
}

/** Runs as the supervisor would: the payload parsed, the source opened. */
function run(image: string, format = 'raw'): { readonly result: InspectResult; readonly steps: readonly Progress[] } {
  const payload = inspectOperation.payload.parse({ image: { path: `/images/${image}`, format } });
  const [request] = inspectOperation.images(payload);
  if (!request) throw new Error('Cannot run: the payload names no image');
  const steps: Progress[] = [];
  using source = FileSource.open(image);
  const openReference = () => {
    throw new DiskError('denied', 'Cannot open reference');
  };
  const context = { images: [{ request, source, openReference }], progress: (step: Progress) => steps.push(step) };
  return { result: runInspect(payload, context) as InspectResult, steps };
}

describe.skipIf(!hasMke2fs)('runInspect', () => {
  let guest = '';
  let data = '';

  beforeAll(() => {
    guest = makeFileSystem('guest', {
      'etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n',
      'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\n',
      'bin/sh': 'x',
      'var/lib/dpkg/status': 'Package: a\nStatus: install ok installed\nVersion: 1\n',
    });
    data = makeFileSystem('data', { 'file.txt': 'x' });
  });
  afterAll(() => rmSync(scratch, { recursive: true }));

  test('returns the summary and the inspect document', () => {
    const { result } = run(guest);
    expect(result).toMatchObject({
      status: 'completed',
      summary: {
        image: `/images/${guest}`,
        format: 'raw',
        inspection_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        duration_ms: expect.any(Number),
        operating_system: 'Debian 12',
        distribution: 'debian',
        version: '12.0',
        package_count: 1,
      },
      inspect: { operating_system: { distribution: 'debian' }, packages: { count: 1 } },
    });
  });

  test('returns plain JSON', () => {
    const { result } = run(guest);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
  });

  test('reports inspection 20, analysis 80, complete 100', () => {
    expect(run(guest).steps.map(({ phase, percent }) => [phase, percent])).toEqual([
      ['inspection', 20],
      ['analysis', 80],
      ['complete', 100],
    ]);
  });

  test('refuses an image without a guest, and says what it holds', () => {
    expect(() => run(data)).toThrow(
      expect.objectContaining({
        kind: 'not-found',
        message: 'Cannot inspect image: no operating system found (/dev/sda: ext4)',
        format: 'raw',
      }),
    );
  });

  test('refuses an image of another format than claimed', () => {
    expect(() => run(guest, 'qcow2')).toThrow(expect.objectContaining({ kind: 'mismatch', format: 'raw' }));
  });
});

test('the options of a payload are those of the guest library', () => {
  const { options } = inspectOperation.payload.parse({ image: { path: '/a', format: 'raw' } });
  expect(Object.keys(options).sort()).toEqual(Object.keys(DEFAULT_INSPECT_OPTIONS).sort());
});
