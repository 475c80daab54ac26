import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeSampleDisk } from '../../../../scripts/sample-disk.ts';
import type { SystemDisk } from '../../../../scripts/system-disk.ts';
import { runCommand, runForJson } from '../testing/run-command.ts';

const MIB = 2 ** 20;
const PATH = `${process.env.PATH}:/usr/sbin:/sbin`;

let folder: string;
let sample: SystemDisk;

beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'guestctl-filesystems-'));
  sample = makeSampleDisk(path.join(folder, 'sample.qcow2'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('guestctl filesystems', () => {
  test('agrees with sgdisk and blkid about a GPT disk', () => {
    const raw = path.join(folder, 'sample.raw');
    tool('qemu-img', ['convert', '-O', 'raw', sample.path, raw]);
    expect(runForJson('guestctl', ['filesystems', sample.path])).toEqual({
      format: 'qcow2',
      virtual_size: sample.virtualSizeBytes,
      partition_table: 'gpt',
      partitions: [1, 2].map((number) => ({ device: `/dev/sda${number}`, ...sgdiskEntry(raw, number) })),
      filesystems: [1, 2].map((number) => ({ device: `/dev/sda${number}`, ...blkidEntry(raw, number) })),
    });
  });

  test('numbers logical partitions of an MBR from 5, and leaves GUIDs to GPT', () => {
    const raw = emptyFile('mbr.raw', 64 * MIB);
    tool('sfdisk', ['-q', raw], 'label: dos\n1M,8M,83\n16M,40M,5\n17M,8M,82\n30M,8M,83\n');
    tool('mke2fs', ['-q', '-F', '-t', 'ext2', '-L', 'data', '-E', `offset=${30 * MIB}`, raw, '8M']);
    const swap = emptyFile('swap.raw', 8 * MIB);
    tool('mkswap', ['-L', 'swap', swap]);
    tool('dd', [`if=${swap}`, `of=${raw}`, 'bs=1M', 'seek=17', 'conv=notrunc']);
    const document = runForJson('guestctl', ['filesystems', raw, '--format', 'raw']);
    expect(document).toMatchObject({ format: 'raw', partition_table: 'mbr' });
    expect(document.partitions).toEqual([
      {
        device: '/dev/sda1',
        number: 1,
        start: MIB,
        size: 8 * MIB,
        type: '0x83',
        type_name: 'Linux filesystem',
        name: null,
      },
      {
        device: '/dev/sda2',
        number: 2,
        start: 16 * MIB,
        size: 40 * MIB,
        type: '0x05',
        type_name: 'Extended',
        name: null,
      },
      {
        device: '/dev/sda5',
        number: 5,
        start: 17 * MIB,
        size: 8 * MIB,
        type: '0x82',
        type_name: 'Linux swap',
        name: null,
      },
      {
        device: '/dev/sda6',
        number: 6,
        start: 30 * MIB,
        size: 8 * MIB,
        type: '0x83',
        type_name: 'Linux filesystem',
        name: null,
      },
    ]);
    expect(document.filesystems).toMatchObject([
      { device: '/dev/sda5', type: 'swap', label: 'swap', size: 8 * MIB },
      { device: '/dev/sda6', type: 'ext2', label: 'data', size: 8 * MIB },
    ]);
  });

  test('names a disk without a partition table /dev/sda', () => {
    const raw = emptyFile('bare.raw', 8 * MIB);
    tool('mke2fs', ['-q', '-F', '-t', 'ext3', '-U', '0a1b2c3d-0000-4000-8000-00000000abcd', raw]);
    expect(runForJson('guestctl', ['filesystems', raw])).toEqual({
      format: 'raw',
      virtual_size: 8 * MIB,
      partition_table: 'none',
      partitions: [],
      filesystems: [
        { device: '/dev/sda', type: 'ext3', label: null, uuid: '0a1b2c3d-0000-4000-8000-00000000abcd', size: 8 * MIB },
      ],
    });
  });

  test('prints the same document as YAML', () => {
    const { stdout } = runCommand('guestctl', ['filesystems', sample.path, '--output', 'yaml']);
    expect(parse(stdout)).toEqual(runForJson('guestctl', ['filesystems', sample.path]));
  });

  test('prints a table without colour', () => {
    const { stdout, code } = runCommand('guestctl', ['filesystems', sample.path]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\/dev\/sda2 +ext4 +128 MiB +root +3f8e2a70-/m);
    expect(stdout).not.toContain('\u001b');
  });
});

describe('guestctl info', () => {
  test('agrees with qemu-img about format and sizes', () => {
    const reference = JSON.parse(tool('qemu-img', ['info', '--output=json', sample.path]));
    expect(runForJson('guestctl', ['info', sample.path])).toMatchObject({
      format: reference.format,
      virtual_size: reference['virtual-size'],
      partition_table: 'gpt',
      chain: [],
    });
  });

  test('shows the backing file', () => {
    const overlay = path.join(folder, 'overlay.qcow2');
    tool('qemu-img', ['create', '-q', '-f', 'qcow2', '-b', 'sample.qcow2', '-F', 'qcow2', overlay]);
    expect(runForJson('guestctl', ['info', overlay])).toMatchObject({
      chain: ['sample.qcow2'],
      partition_table: 'gpt',
    });
    expect(runCommand('guestctl', ['info', overlay]).stdout).toMatch(/^backing file: +sample\.qcow2$/m);
  });
});

function emptyFile(name: string, sizeBytes: number): string {
  const file = path.join(folder, name);
  writeFileSync(file, '');
  truncateSync(file, sizeBytes);
  return file;
}

function tool(name: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(name, args, {
    encoding: 'utf8',
    input,
    env: { ...process.env, PATH },
  });
  if (status !== 0) throw new Error(`${name} ${args.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

/** Where it has a name of its own. */
const SGDISK_NAMES: Readonly<Record<string, string>> = { 'EFI system partition': 'EFI System' };

function sgdiskEntry(raw: string, number: number): object {
  const shown = tool('sgdisk', [`--info=${number}`, raw]);
  const [, guid] = /GUID code: ([0-9A-F-]+)/.exec(shown) ?? [];
  const [, first] = /First sector: (\d+)/.exec(shown) ?? [];
  const [, sectors] = /Partition size: (\d+) sectors/.exec(shown) ?? [];
  const [, name] = /Partition name: '(.*)'/.exec(shown) ?? [];
  const [, type_name] = /GUID code: [0-9A-F-]+ \((.*)\)/.exec(shown) ?? [];
  const meaning = { type_guid: guid, type_name: SGDISK_NAMES[type_name ?? ''] ?? type_name };
  return { number, start: Number(first) * 512, size: Number(sectors) * 512, ...meaning, name };
}

function blkidEntry(raw: string, number: number): object {
  const { start, size } = sgdiskEntry(raw, number) as { readonly start: number; readonly size: number };
  const shown = tool('blkid', ['-p', '-o', 'export', '--offset', String(start), '--size', String(size), raw]);
  const values = new Map(shown.split('\n').map((line) => line.split('=', 2) as [string, string]));
  return { type: values.get('TYPE'), label: values.get('LABEL') ?? null, uuid: values.get('UUID'), size };
}
