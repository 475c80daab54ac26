import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { collectFrom, valueFrom } from '../testing/guest.ts';
import { elfArchitecture, readArchitecture } from './architecture.ts';

function elf(machine: number, bits: 32 | 64, order: 'little' | 'big'): Uint8Array {
  const head = new Uint8Array(64);
  head.set([0x7f, 0x45, 0x4c, 0x46, bits === 64 ? 2 : 1, order === 'big' ? 2 : 1]);
  new DataView(head.buffer).setUint16(18, machine, order === 'little');
  return head;
}

describe('elfArchitecture', () => {
  test.each([
    [62, 64, 'little', 'x86_64'],
    [3, 32, 'little', 'i386'],
    [183, 64, 'little', 'aarch64'],
    [40, 32, 'little', 'arm'],
    [21, 64, 'little', 'ppc64le'],
    [21, 64, 'big', 'ppc64'],
    [22, 64, 'big', 's390x'],
    [22, 32, 'big', 's390'],
    [243, 64, 'little', 'riscv64'],
    [258, 64, 'little', 'loongarch64'],
    [8, 32, 'little', 'mipsel'],
    [8, 64, 'big', 'mips64'],
    [62, 32, 'little', 'x86_64'],
    [7777, 64, 'little', 'unknown (ELF machine 7777)'],
  ] as const)('names machine %i of %i bits, %s endian: %s', (machine, bits, order, name) => {
    expect(elfArchitecture(elf(machine, bits, order))).toBe(name);
  });

  test('takes scripts and short files for no ELF', () => {
    expect(elfArchitecture(new TextEncoder().encode('#!/bin/sh\necho this is long enough\n'))).toBeUndefined();
    expect(elfArchitecture(elf(62, 64, 'little').subarray(0, 19))).toBeUndefined();
  });

  test('reads a program of this machine', () => {
    const name = { x64: 'x86_64', arm64: 'aarch64', ia32: 'i386' }[process.arch as string] ?? process.arch;
    expect(elfArchitecture(readFileSync(process.execPath).subarray(0, 64))).toBe(name);
  });
});

describe('readArchitecture', () => {
  test('follows links, and passes over what is no program', () => {
    const files = {
      '/bin': { link: 'usr/bin' },
      '/usr/bin/bash': '#!/bin/sh\n',
      '/usr/bin/sh': { link: 'busybox' },
      '/usr/bin/busybox': elf(183, 64, 'little'),
    };
    expect(valueFrom(files, readArchitecture)).toBe('aarch64');
    expect(collectFrom(files, readArchitecture).sources).toEqual(['/bin/sh']);
  });

  test('answers absent without programs', () => {
    expect(collectFrom({ '/etc/passwd': '' }, readArchitecture).status).toBe('absent');
  });
});
