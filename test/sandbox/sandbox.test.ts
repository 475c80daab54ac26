import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { encryptWithQemu } from '../../packages/disk/src/testing/qemu-folder.ts';
import { hasTool } from '../../packages/disk/src/testing/tool.ts';

const ROOT = path.join(import.meta.dirname, '../..');
const FILES = ['/', '/folder', '/folder/file', '/lost+found'];
const missing = ['qemu-img', 'mke2fs', 'tar'].filter((tool) => !hasTool(tool));
if (missing.length > 0) console.warn(`Skipping tests: ${missing.join(', ')} is not installed`);

/** Images of every format that can be read, all of the same disk. */
const CONVERTED = {
  qcow2: ['-O', 'qcow2', '-c'],
  'zstd.qcow2': ['-O', 'qcow2', '-c', '-o', 'compression_type=zstd'],
  'sparse.vmdk': ['-O', 'vmdk'],
  'stream.vmdk': ['-O', 'vmdk', '-o', 'subformat=streamOptimized'],
  'flat.vmdk': ['-O', 'vmdk', '-o', 'subformat=monolithicFlat'],
  vhd: ['-O', 'vpc', '-o', 'force_size=on'],
  vhdx: ['-O', 'vhdx'],
  vdi: ['-O', 'vdi'],
  hds: ['-O', 'parallels'],
} as const;

describe.skipIf(missing.length > 0)('the disk engine without permission to write or to start processes', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'guestkit-sandbox-'));
    mkdirSync(path.join(folder, 'from/folder'), { recursive: true });
    writeFileSync(path.join(folder, 'from/folder/file'), 'content');
    writeFileSync(path.join(folder, 'raw'), '');
    truncateSync(path.join(folder, 'raw'), 4 * 2 ** 20);
    run('mke2fs', '-q', '-F', '-t', 'ext4', '-d', 'from', 'raw');
    for (const [name, options] of Object.entries(CONVERTED))
      run('qemu-img', 'convert', '-f', 'raw', ...options, 'raw', name);
    run('qemu-img', 'create', '-q', '-f', 'qcow2', '-b', 'qcow2', '-F', 'qcow2', 'overlay');
    const secret = ['--object', 'secret,id=key,data=correct horse'];
    encryptWithQemu(folder, ['convert', ...secret, '-O', 'luks', '-o', 'key-secret=key,iter-time=10', 'raw', 'luks']);
    const file = '<File ovf:id="f" ovf:href="stream.vmdk"/>';
    const disk = '<Disk ovf:diskId="d" ovf:fileRef="f" ovf:capacity="4194304"/>';
    const xml = `<Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"><References>${file}</References><DiskSection>${disk}</DiskSection></Envelope>`;
    writeFileSync(path.join(folder, 'vm.ovf'), xml);
    run('tar', '-cf', 'ova', '--format=ustar', 'vm.ovf', 'stream.vmdk');
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test('lists the files of an image of every format', () => {
    const images = ['raw', ...Object.keys(CONVERTED), 'overlay', 'luks', 'ova'];
    const permissions = ['--permission', `--allow-fs-read=${ROOT}/*`, `--allow-fs-read=${folder}/*`];
    const script = path.join(import.meta.dirname, 'list-files.ts');
    const lines = run(process.execPath, ...permissions, script, ...images.map((image) => path.join(folder, image)));
    const [attempts, ...found] = lines
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(attempts).toEqual(['ERR_ACCESS_DENIED', 'ERR_ACCESS_DENIED']);
    expect(Object.fromEntries(images.map((image, index) => [image, found[index]?.toSorted()]))).toEqual(
      Object.fromEntries(images.map((image) => [image, FILES])),
    );
  });

  function run(command: string, ...args: readonly string[]): string {
    return execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }
});
