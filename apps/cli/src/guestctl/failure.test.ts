import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { FILE_SYSTEM_FORMATS } from '@guestkit/disk';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT_CODES } from '../exit-code.ts';
import { commandFile, runCommand, runForJson } from '../testing/run-command.ts';

const MIB = 2 ** 20;

const OVF = `<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">
<References><File ovf:id="f" ovf:href="good.qcow2"/></References><DiskSection><Disk ovf:diskId="d" ovf:fileRef="f"/></DiskSection></Envelope>`;
const VHD_FOOTER = Buffer.concat([Buffer.from('conectix'), Buffer.alloc(504)]);

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-failure-'));
  writeFileSync(at('empty.qcow2'), '');
  writeFileSync(at('garbage.raw'), Buffer.alloc(MIB, 'garbage'));
  makeExt4('good.raw');
  tool('qemu-img', ['convert', '-O', 'qcow2', at('good.raw'), at('good.qcow2')]);
  copyFileSync(at('good.qcow2'), at('truncated.qcow2'));
  truncateSync(at('truncated.qcow2'), 200_000);
  tool('qemu-img', ['convert', '-O', 'qed', at('good.raw'), at('disk.qed')]);
  overlay('names-passwd.qcow2', '/etc/passwd');
  overlay('names-json.qcow2', 'json:{"driver":"file","filename":"/etc/passwd"}');
  overlay('names-missing.qcow2', 'nowhere.raw');
  overlay('overlay.qcow2', 'good.raw');
  writeFileSync(at('two-formats'), Buffer.concat([readFileSync(at('overlay.qcow2')), VHD_FOOTER]));
  writeFileSync(
    at('disguised.raw'),
    Buffer.concat([Buffer.from('QFI\xfb', 'latin1'), readFileSync(at('good.raw')).subarray(4)]),
  );
  mkdirSync(at('below'));
  overlay('below/overlay.qcow2', '../good.raw');
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('guestctl refuses', () => {
  test.each([
    ['a file that is not there', 'absent.qcow2', 'not-found'],
    ['a folder', 'below', 'io'],
    ['an empty file', 'empty.qcow2', 'corrupt'],
    ['a truncated qcow2', 'truncated.qcow2', 'corrupt'],
    ['a backing file outside the folder', 'names-passwd.qcow2', 'denied'],
    ['a backing file that is a json: description', 'names-json.qcow2', 'denied'],
    ['a backing file that is not there', 'names-missing.qcow2', 'io'],
    ['a QED, which cannot be read yet', 'disk.qed', 'unsupported'],
    ['bytes that are no disk', 'garbage.raw', 'not-found'],
  ] as const)('%s, in one line and with its own exit code', (_, image, ending) => {
    const { code, stdout, stderr } = runCommand('guestctl', ['ls', at(image), '/']);
    expect({ code, stdout, stderr }).toEqual({
      code: EXIT_CODES[ending],
      stdout: '',
      stderr: expect.stringMatching(/^guestctl: Cannot [^\n]+\n$/),
    });
  });

  test.each([
    ['a claimed format that the content denies', ['info', 'good.qcow2', '--format', 'vmdk'], 'mismatch'],
    ['to override a format that is not said', ['info', 'good.qcow2', '--allow-format-override'], 'usage'],
    [
      'to open what an image names whose format is overridden',
      ['info', 'two-formats', '--format', 'qcow2', '--allow-format-override'],
      'denied',
    ],
    ['a volume that holds nothing known', ['ls', 'garbage.raw', '/', '--device', 'sda'], 'unsupported'],
    ['a device that is not there', ['ls', 'good.raw', '/', '--device', '/dev/sdb9'], 'not-found'],
    ['a path that is not there', ['cat', 'good.raw', '/absent'], 'not-found'],
    ['a folder where a file is expected', ['cat', 'good.raw', '/lost+found'], 'not-found'],
    ['a relative path', ['cat', 'good.raw', 'etc/passwd'], 'usage'],
    ['roots without a root', ['info', 'overlay.qcow2', '--references', 'roots'], 'usage'],
    ['any reference when told to', ['info', 'overlay.qcow2', '--references', 'deny'], 'denied'],
    ['an unknown way to print', ['info', 'good.raw', '--output', 'xml'], 'usage'],
    ['an image without an operating system, to inspect', ['inspect', 'good.raw'], 'not-found'],
  ] as const)('%s', (_, [command, image, ...rest], ending) => {
    const { code, stdout, stderr } = runCommand('guestctl', [command, at(image), ...rest]);
    expect({ code, stdout, stderr }).toEqual({
      code: EXIT_CODES[ending],
      stdout: '',
      stderr: expect.stringMatching(/^guestctl: Cannot [^\n]+\n$/),
    });
  });

  test('a volume that holds nothing known, saying what could be read', () => {
    const { stderr } = runCommand('guestctl', ['ls', at('garbage.raw'), '/', '--device', 'sda']);
    expect(stderr).toContain('it holds nothing known, expected ');
    for (const { name } of FILE_SYSTEM_FORMATS) expect(stderr).toMatch(new RegExp(`\\b${name}\\b`));
  });

  test('no command at all, and shows how to use it', () => {
    const { code, stderr } = runCommand('guestctl', []);
    expect(code).toBe(EXIT_CODES.usage);
    expect(stderr).toContain('Usage: guestctl');
  });
});

describe('guestctl --allow-format-override', () => {
  test('reads a raw disk whose guest made it look like another format', () => {
    const raw = ['--format', 'raw'];
    expect(runCommand('guestctl', ['ls', at('disguised.raw'), '/', ...raw]).code).toBe(EXIT_CODES.mismatch);
    const override = [...raw, '--allow-format-override'];
    expect(runForJson('guestctl', ['ls', at('disguised.raw'), '/', ...override])).toEqual(
      runForJson('guestctl', ['ls', at('good.raw'), '/']),
    );
    expect(runForJson('guestctl', ['info', at('disguised.raw'), ...override])).toMatchObject({
      format: 'raw',
      details: { format_override: 'qcow2' },
    });
  });
});

test('guestctl info names a partition table that cannot be read', () => {
  const disk = Buffer.alloc(MIB);
  disk.writeUInt16BE(0xdabe, 508);
  writeFileSync(at('sun.raw'), disk);
  expect(runForJson('guestctl', ['info', at('sun.raw'), '--format', 'raw'])).toMatchObject({
    partition_table: 'none',
    warnings: ['partition table is Sun disk label, which cannot be read yet'],
  });
});

describe('guestctl info --manifest', () => {
  const pack = (name: string, digest: string): string => {
    writeFileSync(at('machine.mf'), `SHA256(machine.ovf)= ${sha256(OVF)}\nSHA256(good.qcow2)= ${digest}\n`);
    writeFileSync(at('machine.ovf'), OVF);
    tool('tar', ['-cf', at(name), '-C', folder, 'machine.ovf', 'machine.mf', 'good.qcow2']);
    return at(name);
  };

  test('compares every file of an archive with what was exported', () => {
    const image = pack('machine.ova', sha256(readFileSync(at('good.qcow2'))));
    expect(runForJson('guestctl', ['info', image, '--manifest']).manifest).toEqual([
      { file: 'machine.ovf', algorithm: 'sha256', result: 'matches' },
      { file: 'good.qcow2', algorithm: 'sha256', result: 'matches' },
    ]);
    expect(runForJson('guestctl', ['info', image])).not.toHaveProperty('manifest');
  });

  test('tells what is not as it was, and ends so', () => {
    const image = pack('changed.ova', sha256(''));
    const { code, stdout, stderr } = runCommand('guestctl', ['info', image, '--manifest']);
    expect(code).toBe(EXIT_CODES.corrupt);
    expect(stdout).toMatch(/^good\.qcow2 +sha256 +differs$/m);
    expect(stderr).toContain('"good.qcow2" differs');
    expect(runCommand('guestctl', ['info', image]).code).toBe(EXIT_CODES.ok);
  });

  test('says so where there is none', () => {
    expect(runCommand('guestctl', ['info', at('good.qcow2'), '--manifest']).code).toBe(EXIT_CODES['not-found']);
  });
});

describe('guestctl --verbose', () => {
  test('names kind, format and offset of a failure', () => {
    const { stderr } = runCommand('guestctl', ['info', at('truncated.qcow2'), '--verbose']);
    expect(stderr).toMatch(/^ {2}kind: corrupt$/m);
    expect(stderr).toMatch(/^ {2}format: qcow2$/m);
    expect(stderr).toMatch(/^ {2}offset: 0x[0-9a-f]+$/m);
  });
});

describe('references of an image', () => {
  test('are followed beside it', () => {
    expect(runForJson('guestctl', ['ls', at('overlay.qcow2'), '/'])).toEqual(
      runForJson('guestctl', ['ls', at('good.raw'), '/']),
    );
  });

  test('are followed into roots that are named', () => {
    const absolute = overlay('absolute.qcow2', at('good.raw'));
    expect(runCommand('guestctl', ['info', absolute]).code).toBe(EXIT_CODES.denied);
    expect(runCommand('guestctl', ['info', absolute, '--references', 'roots', '--root', folder]).code).toBe(
      EXIT_CODES.ok,
    );
  });

  test('do not climb out of a folder, whatever the roots', () => {
    const climbing = ['info', at('below/overlay.qcow2'), '--references', 'roots', '--root', folder];
    expect(runCommand('guestctl', climbing).code).toBe(EXIT_CODES.denied);
  });
});

describe('an image that changes while it is read', () => {
  test('is not vouched for', async () => {
    const image = makeExt4('changing.raw');
    const child = spawn(process.execPath, [commandFile('guestctl'), 'cat', image, '/file']);
    // the file is larger than a pipe: as long as nobody takes the rest, the command is in the middle of it
    await once(child.stdout, 'readable');
    utimesSync(image, 0, 0);
    child.stdout.resume();
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
    expect(stderr).toContain('was written to while it was read');
    expect(code).toBe(EXIT_CODES.io);
  });
});

function sha256(content: string | Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}

function at(name: string): string {
  return path.join(folder, name);
}

function makeExt4(name: string): string {
  const content = path.join(folder, `${name}.content`);
  mkdirSync(content);
  writeFileSync(path.join(content, 'file'), Buffer.alloc(2 * MIB, name));
  writeFileSync(at(name), '');
  truncateSync(at(name), 8 * MIB);
  tool('mke2fs', ['-q', '-F', '-t', 'ext4', '-d', content, at(name)]);
  return at(name);
}

/** `qemu-img create` would look at the backing file, so it gets its name afterwards, without a look (`rebase -u`). */
function overlay(name: string, backing: string): string {
  tool('qemu-img', ['create', '-q', '-f', 'qcow2', at(name), '8M']);
  tool('qemu-img', ['rebase', '-q', '-u', '-f', 'qcow2', '-b', backing, '-F', 'raw', at(name)]);
  return at(name);
}

function tool(name: string, args: readonly string[]): void {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin` };
  const { status, stderr, error } = spawnSync(name, args, { encoding: 'utf8', env });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error?.message ?? stderr}`);
}
