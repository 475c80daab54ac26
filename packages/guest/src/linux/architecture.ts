import { type Answer, absent, ok } from '../collected.ts';
import type { GuestFiles } from '../guest-files.ts';

// The architecture of user space, read from the ELF header of a program that every system has (ELF-64 object file format, e_ident).

const PROGRAMS = [
  '/bin/bash',
  '/bin/sh',
  '/bin/ls',
  '/bin/busybox',
  '/usr/lib/systemd/systemd',
  '/lib/systemd/systemd',
  '/sbin/init',
  '/usr/bin/env',
  '/lib/libc.so.6',
  '/lib64/libc.so.6',
] as const;

const HEADER_SIZE = 20;
const ELF_MAGIC = 0x7f454c46;
const CLASS = 4;
const CLASS_64 = 2;
const DATA = 5;
const BIG_ENDIAN = 2;
const MACHINE = 18;

/** Names by e_machine, as `uname -m` and libguestfs spell them: [32 bit, 64 bit], each [little endian, big endian]. */
const MACHINES = new Map<number, readonly [bits32: Names, bits64: Names]>([
  [2, [both('sparc'), both('sparc64')]],
  [3, [both('i386'), both('i386')]],
  [4, [both('m68k'), both('m68k')]],
  [
    8,
    [
      ['mipsel', 'mips'],
      ['mips64el', 'mips64'],
    ],
  ],
  [15, [both('parisc'), both('parisc64')]],
  [18, [both('sparc'), both('sparc')]],
  [20, [both('ppc'), both('ppc')]],
  [
    21,
    [
      ['ppc64le', 'ppc64'],
      ['ppc64le', 'ppc64'],
    ],
  ],
  [22, [both('s390'), both('s390x')]],
  [40, [both('arm'), both('arm')]],
  [42, [both('sh'), both('sh')]],
  [43, [both('sparc64'), both('sparc64')]],
  [50, [both('ia64'), both('ia64')]],
  // a 32 bit class is the x32 ABI, which needs the same machine
  [62, [both('x86_64'), both('x86_64')]],
  [
    183,
    [
      ['aarch64', 'aarch64_be'],
      ['aarch64', 'aarch64_be'],
    ],
  ],
  [243, [both('riscv32'), both('riscv64')]],
  [258, [both('loongarch32'), both('loongarch64')]],
  [0x9026, [both('alpha'), both('alpha')]],
]);

type Names = readonly [littleEndian: string, bigEndian: string];

function both(name: string): Names {
  return [name, name];
}

/** The architecture of the guest's programs; `absent` when none of them is an ELF file. */
export function readArchitecture(files: GuestFiles): Answer<string> {
  for (const path of PROGRAMS) {
    const architecture = files.orNote(path, () => architectureOf(files, path));
    if (architecture !== undefined) return ok(architecture);
  }
  return absent('None of the usual programs is an ELF file');
}

function architectureOf(files: GuestFiles, path: string): string | undefined {
  const node = files.tree.find(path);
  if (node?.stat.type !== 'file') return undefined;
  const content = node.open();
  if (content.sizeBytes < HEADER_SIZE) return undefined;
  const architecture = elfArchitecture(content.read(0, HEADER_SIZE));
  if (architecture !== undefined) files.file(path);
  return architecture;
}

/** The machine that an ELF header names; `undefined` when the bytes are no ELF header. */
export function elfArchitecture(head: Uint8Array): string | undefined {
  if (head.length < HEADER_SIZE) return undefined;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  if (view.getUint32(0) !== ELF_MAGIC) return undefined;
  const bigEndian = view.getUint8(DATA) === BIG_ENDIAN;
  const machine = view.getUint16(MACHINE, !bigEndian);
  const names = MACHINES.get(machine)?.[view.getUint8(CLASS) === CLASS_64 ? 1 : 0];
  return names?.[bigEndian ? 1 : 0] ?? `unknown (ELF machine ${machine})`;
}
