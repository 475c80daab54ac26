import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { openSync, readdirSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { DiskError } from '@guestkit/disk/error';
import type { Runner } from '@guestkit/operations/operation';

// Operations that misbehave, for the tests of the jail; without the real ones, which take most of the start of a jail.

const PIPE = 3;

/** What a parser in the hands of its image might go for. */
export interface EscapeTargets {
  readonly file: string;
  readonly folder: string;
  readonly addon: string;
  readonly supervisor: number;
}

/** Every way out; each throws when it is closed. */
const WAYS_OUT: Readonly<Record<string, (targets: EscapeTargets) => unknown>> = {
  'read a file of the host': ({ file }) => readFileSync(file),
  'read its own code': () => readFileSync(import.meta.filename),
  'list a folder': ({ folder }) => readdirSync(folder),
  'write a file': ({ folder }) => writeFileSync(`${folder}/written`, 'x'),
  'open a device': () => openSync('/dev/null', 'r'),
  'write a database': ({ folder }) => writeDatabase(`${folder}/database`),
  'write a report': ({ folder }) => process.report.writeReport(`${folder}/report`),
  'start a program': () => execFileSync('/bin/true'),
  'become another program': () => process.execve?.('/bin/true', ['true'], {}),
  'start a thread': () => new Worker('0', { eval: true }),
  'load an add-on': ({ addon }) => process.dlopen({ exports: {} }, addon),
  'reach into Node': () => (process as unknown as { binding(name: string): unknown }).binding('spawn_sync'),
  'compile text to code': () => new Function('return 1')(),
  'listen on a path': ({ folder }) => createServer().listen(`${folder}/socket`),
  'signal its supervisor': ({ supervisor }) => process.kill(supervisor, 0),
  'become root': () => becomeRoot(),
};

const RUNNERS: Readonly<Record<string, Runner>> = {
  'test.escape': (payload) => {
    const targets = payload as EscapeTargets;
    return Object.fromEntries(Object.entries(WAYS_OUT).map(([name, way]) => [name, refusalOf(() => way(targets))]));
  },
  /** Leaves sockets behind that try to connect as soon as the process gives them a turn. */
  'test.connect': (payload) => {
    const { port } = payload as { readonly port: number };
    connect(port, '127.0.0.1').on('error', () => undefined);
    createSocket('udp4')
      .on('error', () => undefined)
      .send('x', port, '127.0.0.1');
  },
  'test.return': (payload) => payload,
  'test.spin': (_, { progress }) => {
    progress({ phase: 'inspection', percent: 20, message: String(process.pid) });
    for (;;);
  },
  /** As long, but it leaves the processors to others. */
  'test.linger': (_, { progress }) => {
    progress({ phase: 'inspection', percent: 20, message: String(process.pid) });
    sleep();
  },
  'test.sleep': sleep,
  'test.pause': (payload) => pause((payload as { readonly ms: number }).ms),
  'test.abort': () => process.abort(),
  'test.exit': () => process.exit(3),
  'test.hog-buffers': () => hog(() => Buffer.alloc(2 ** 24, 1)),
  'test.hog-heap': () => hog(() => Array.from({ length: 2 ** 17 }, (_, i) => ({ i }))),
  'test.corrupt': () => {
    throw new DiskError('corrupt', 'Cannot read \u001b[31mL1', { format: 'qcow2', offset: 0x28, path: '/etc' });
  },
  'test.sum': (_, { images }) => images.map(({ source }) => sum(source.read(0, source.sizeBytes))),
  'test.reference': (payload, { images }) => {
    const { name, from } = payload as { readonly name: string; readonly from: number };
    return Buffer.from(images[0]?.openReference(name, from).read(0, 4) ?? []).toString('latin1');
  },
  'test.read': (payload, { images }) => {
    const { offset, length } = payload as { readonly offset: number; readonly length: number };
    return sum(images[0]?.source.read(offset, length) ?? []);
  },
  /** Reads the first byte until somebody changes it. */
  'test.until-changed': (_, { images, progress }) => {
    const first = () => images[0]?.source.read(0, 1)[0];
    const before = first();
    progress({ phase: 'inspection', percent: 20, message: 'Waiting for another byte' });
    while (first() === before);
  },
  /** Reads and tells progress for about a second. */
  'test.read-slowly': (_, { images, progress }) => {
    for (let percent = 0; percent < 100; percent += 5) {
      images[0]?.source.read(0, 1);
      progress({ phase: 'inspection', percent, message: 'Reading slowly' });
      pause(50);
    }
    return 'read';
  },
  /** Is not ended by TERM: its loop never gets to hear of it. */
  'test.stubborn': (_, { progress }) => {
    process.on('SIGTERM', () => undefined);
    progress({ phase: 'inspection', percent: 20, message: String(process.pid) });
    for (;;);
  },
  'test.steps': (payload, { progress }) => {
    for (let step = 1; step <= Number(payload); step++) {
      progress({ phase: 'inspection', percent: step, message: `Step ${step}` });
    }
  },
  /** Writes raw bytes to the supervisor, then waits for what it does about it. */
  'test.say': (payload) => {
    const { base64, times = 1 } = payload as { readonly base64: string; readonly times?: number };
    for (let time = 0; time < times; time++) {
      writeSync(PIPE, Buffer.from(base64, 'base64'));
      // or they would arrive together, which is refused for another reason
      if (times > 1) pause(5);
    }
    readSync(PIPE, Buffer.alloc(1));
  },
};

export const runners: ReadonlyMap<string, Runner> = new Map(Object.entries(RUNNERS));

function refusalOf(way: () => unknown): string {
  try {
    way();
    return 'OPEN';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? (error as Error).name;
  }
}

function writeDatabase(path: string): void {
  const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
  new DatabaseSync(path).exec('create table t (a)');
}

function becomeRoot(): void {
  process.setuid?.(0);
  if (process.getuid?.() !== 0) throw new Error('still not root');
}

function sleep(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function hog(allocate: () => unknown): void {
  const kept: unknown[] = [];
  for (;;) kept.push(allocate());
}

function sum(bytes: Iterable<number>): number {
  let total = 0;
  for (const byte of bytes) total += byte;
  return total;
}
