import { zstdDecompressSync } from 'node:zlib';
import { MemorySource } from '@guestkit/disk';
import { DEFAULT_INSPECT_OPTIONS } from '@guestkit/guest';
import { describe, expect, test } from 'vitest';
import { REHEARSAL_DISK } from './rehearsal-disk.ts';
import { rehearseInspect } from './rehearse.ts';
import { type InspectResult, runInspect } from './run.ts';

describe('a rehearsal', () => {
  test('ends without a word', () => {
    expect(rehearseInspect()).toBeUndefined();
  });

  test('goes through a whole guest', () => {
    const source = new MemorySource(new Uint8Array(zstdDecompressSync(Buffer.from(REHEARSAL_DISK, 'base64'))));
    const image = { path: 'rehearsal.qcow2', format: 'qcow2' };
    const openReference = () => source;
    const { inspect } = runInspect(
      { image, options: DEFAULT_INSPECT_OPTIONS },
      { images: [{ request: image, source, openReference }], progress() {} },
    ) as InspectResult;
    expect(inspect.operating_system).toMatchObject({ distribution: 'rehearsal', arch: 'x86_64' });
    expect(inspect.packages).toMatchObject({ status: 'ok', count: 100 });
    expect(inspect.users).toMatchObject({ status: 'ok', count: 30 });
    expect(inspect.mountpoints.map(({ mountpoint }) => mountpoint)).toEqual(['/', '/boot/efi']);
  });
});
