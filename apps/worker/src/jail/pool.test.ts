import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ImageRequest, Progress } from '@guestkit/operations/operation';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { encodeFrame, encodeJson, encodeRead, MAX_RESULT_BYTES } from './frame.ts';
import { JailPool, type JailPoolOptions } from './pool.ts';
import type { RunLimits } from './seat.ts';
import type { JailReport } from './task.ts';

const RUNNERS = fileURLToPath(new URL('../../../../test/support/jail-runners.ts', import.meta.url));
const HANGING_SEAT = new URL('../../../../test/support/hanging-seat.ts', import.meta.url);
const IMAGE_BYTES = Buffer.alloc(5 * 2 ** 20 + 17, 1);

let folder: string;
let image: string;
let pool: JailPool;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'guestkit-jail-test-'));
  image = path.join(folder, 'images', 'image.raw');
  mkdirSync(path.dirname(image));
  mkdirSync(path.join(folder, 'results'));
  writeFileSync(image, IMAGE_BYTES);
  pool = await startPool({ slots: 2 });
});

afterAll(async () => {
  await pool?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

describe('JailPool', () => {
  test('returns what the operation returned, and what it used', async () => {
    const { ending, usage, imageBytesRead } = await run('test.sum');
    expect(ending).toEqual({ kind: 'result', value: [IMAGE_BYTES.length] });
    expect(imageBytesRead).toBe(IMAGE_BYTES.length);
    expect(usage?.peakMemoryBytes).toBeGreaterThan(30 * 2 ** 20);
  });

  test('serves every attempt from a process of its own', async () => {
    const reports = await Promise.all(Array.from({ length: 6 }, (_, n) => run('test.return', n)));
    expect(reports.map(({ ending }) => ending)).toEqual([0, 1, 2, 3, 4, 5].map((value) => ({ kind: 'result', value })));
  });

  test('reads any range of an image, whatever its size', async () => {
    const range = fc.record({ offset: fc.nat(IMAGE_BYTES.length), length: fc.nat(IMAGE_BYTES.length) });
    await fc.assert(
      fc.asyncProperty(range, async ({ offset, length }) => {
        const { ending } = await run('test.read', { offset, length });
        expect(ending).toMatchObject(
          offset + length > IMAGE_BYTES.length
            ? { kind: 'error', facts: { kind: 'corrupt', offset } }
            : { kind: 'result', value: length },
        );
      }),
      { numRuns: 10 },
    );
  });

  test('tells the error of an operation as facts, fit for a terminal', async () => {
    const { ending } = await run('test.corrupt');
    expect(ending).toEqual({
      kind: 'error',
      facts: {
        name: 'DiskError',
        kind: 'corrupt',
        message: 'Cannot read \\x1b[31mL1',
        format: 'qcow2',
        offset: 0x28,
        path: '/etc',
      },
    });
  });

  test('passes progress on in order', async () => {
    const steps: Progress[] = [];
    await run('test.steps', 3, { onProgress: (step) => steps.push(step) });
    expect(steps.map(({ message }) => message)).toEqual(['Opening the image', 'Step 1', 'Step 2', 'Step 3']);
  });

  test('refuses to start when the module of runners does not load', async () => {
    await expect(startPool({ runnersModule: path.join(folder, 'absent.ts') })).rejects.toThrow('absent.ts');
  });
});

describe('the walls of a jail', () => {
  test('leave no way out', async () => {
    const targets = { file: '/etc/passwd', folder, addon: '/lib/none.node', supervisor: process.pid };
    const { ending } = await run('test.escape', targets);
    const ways = ending.kind === 'result' ? (ending.value as Record<string, string>) : {};
    expect(Object.keys(ways)).toHaveLength(16);
    expect(Object.entries(ways).filter(([, refusal]) => refusal === 'OPEN')).toEqual([]);
    expect(readdirSync(folder)).toEqual(['images', 'results']);
  });

  test('let no packet out', async () => {
    const heard: string[] = [];
    const server = createServer(() => heard.push('tcp')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = createSocket('udp4', () => heard.push('udp')).bind(port, '127.0.0.1');
    await once(socket, 'listening');
    expect((await run('test.connect', { port })).ending.kind).toBe('result');
    server.close();
    socket.close();
    expect(heard).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('are held by the kernel too', async () => {
    const { pid, stop } = await startSpinning();
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const files = readdirSync(`/proc/${pid}/fd`).map((descriptor) => readlinkSync(`/proc/${pid}/fd/${descriptor}`));
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
    await stop();
    for (const limit of ['Max open files', 'Max file size', 'Max core file size']) {
      expect(limits).toMatch(new RegExp(`${limit} +0 +0 `));
    }
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status).toMatch(/^CapEff:\s+0+$/m);
    expect(status).not.toMatch(/^Uid:.*\b0\b/m);
    expect(files.filter((file) => file.startsWith('/') && !file.startsWith('/dev/null'))).toEqual([]);
    expect(environment).toMatch(/^NODE_COMPILE_CACHE=[^\0]+\0$/);
  });
});

describe('an attempt that goes wrong', () => {
  test.each([
    ['test.abort', { kind: 'died', reason: 'SIGABRT', outOfMemory: false }],
    ['test.exit', { kind: 'died', reason: 'exit code 3', outOfMemory: false }],
    ['test.unknown', { kind: 'error', facts: { message: expect.stringContaining('no runner') } }],
  ])('%s ends alone', async (operation, ending) => {
    expect((await run(operation)).ending).toMatchObject(ending);
    expect((await run('test.return', 'alive')).ending).toEqual({ kind: 'result', value: 'alive' });
  });

  test.each(['test.hog-buffers', 'test.hog-heap'])('%s runs out of its own memory', async (operation) => {
    const { ending, usage } = await run(operation);
    expect(ending).toMatchObject({ kind: 'died', outOfMemory: true });
    expect(usage?.peakMemoryBytes).toBeLessThan(600 * 2 ** 20);
  });

  test.each(['test.spin', 'test.sleep'])('%s is ended by its timeout, process and all', async (operation) => {
    const before = jailPids();
    const { ending } = await run(operation, null, { timeoutMs: 300 });
    expect(ending).toEqual({ kind: 'timeout' });
    await vi.waitFor(() => expect(jailPids().filter((pid) => before.includes(pid)).length).toBeLessThan(before.length));
  });

  test('is ended when its caller says so', async () => {
    const stop = new AbortController();
    const { ending } = await run('test.spin', null, { signal: stop.signal, onProgress: () => stop.abort() });
    expect(ending).toEqual({ kind: 'stopped' });
  });

  test('killed from outside is a death like others', async () => {
    const { pid, report } = await startSpinning();
    process.kill(pid, 'SIGKILL');
    expect((await report).ending).toMatchObject({ kind: 'died', reason: 'SIGKILL', outOfMemory: false });
  });

  test('does not wait for a thread that hangs', async () => {
    await using hanging = await startPool({ server: HANGING_SEAT, slots: 1, killGraceMs: 50 });
    const { ending } = await run('test.return', null, { timeoutMs: 50 }, hanging);
    expect(ending).toEqual({ kind: 'timeout' });
  });
});

describe('a jail in the hands of its image', () => {
  const ABUSES: Readonly<Record<string, Buffer>> = {
    'an unknown type': Buffer.from([0, 0, 0, 0, 200]),
    'a frame of the supervisor': encodeJson('opened', {}),
    'a length of 4 GiB': Buffer.from([255, 255, 255, 255, 2]),
    'a result that is too long': Buffer.concat([lengthOf(MAX_RESULT_BYTES + 1), Buffer.from([5])]),
    'a result that is no JSON': encodeFrame('result', Buffer.from('{')),
    'a source that was never offered': encodeRead({ source: 9, offset: 0, length: 1 }),
    'a range beyond the image': encodeRead({ source: 0, offset: IMAGE_BYTES.length, length: 1 }),
    'a negative offset': encodeRead({ source: 0, offset: -1, length: 1 }),
    'an offset that is no number': encodeRead({ source: 0, offset: Number.NaN, length: 1 }),
    'two requests at once': Buffer.concat([0, 1].map((offset) => encodeRead({ source: 0, offset, length: 1 }))),
    'a reference from nowhere': encodeJson('open', { image: 0, name: 'x', from: 5 }),
    'a reference of no image': encodeJson('open', { image: 7, name: 'x', from: 0 }),
    'a reference without a name': encodeJson('open', { image: 0, from: 0 }),
    'progress that is none': encodeJson('progress', { phase: 1 }),
  };

  test.each(Object.entries(ABUSES))('that sends %s is ended', async (_, bytes) => {
    const { ending } = await run('test.say', { base64: bytes.toString('base64') });
    expect(ending.kind).toBe('abuse');
  });

  test('that floods its supervisor with progress is ended', async () => {
    expect((await run('test.steps', 20_000)).ending.kind).toBe('abuse');
  });

  test('that asks and never listens is ended', async () => {
    const ask = encodeRead({ source: 0, offset: 0, length: 4 * 2 ** 20 }).toString('base64');
    expect((await run('test.say', { base64: ask, times: 20 })).ending.kind).toBe('abuse');
  });

  test('that sends random bytes ends itself at most', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 5, maxLength: 200 }), async (bytes) => {
        const base64 = Buffer.from(bytes).toString('base64');
        expect((await run('test.say', { base64 }, { timeoutMs: 400 })).ending.kind).toMatch(/abuse|timeout/);
      }),
      { numRuns: 15 },
    );
    expect((await run('test.return', 'alive')).ending).toEqual({ kind: 'result', value: 'alive' });
  });

  test('gets nothing from beside the image under the policy "deny"', async () => {
    writeFileSync(path.join(folder, 'images', 'base.raw'), 'base');
    const { ending } = await run('test.reference', { name: 'base.raw', from: 0 });
    expect(ending).toMatchObject({ kind: 'error', facts: { kind: 'denied' } });
  });
});

describe('the policy "same-directory"', () => {
  let open: JailPool;
  beforeAll(async () => {
    writeFileSync(path.join(folder, 'images', 'base.raw'), 'base');
    writeFileSync(path.join(folder, 'secret'), 'secret');
    symlinkSync('../secret', path.join(folder, 'images', 'link.raw'));
    open = await startPool({ references: 'same-directory', slots: 1 });
  });
  afterAll(() => open?.[Symbol.asyncDispose]());

  test('opens what lies beside the image', async () => {
    const { ending } = await run('test.reference', { name: 'base.raw', from: 0 }, {}, open);
    expect(ending).toEqual({ kind: 'result', value: 'base' });
  });

  test.each([
    ['/etc/passwd', 'denied'],
    ['../secret', 'denied'],
    ['link.raw', 'denied'],
    ['json:{"driver":"file","filename":"/etc/passwd"}', 'denied'],
    ['nbd://127.0.0.1/x', 'denied'],
    ['', 'denied'],
    ['image.raw', 'denied'],
    ['missing.raw', 'io'],
  ])('does not open "%s"', async (name, kind) => {
    const { ending } = await run('test.reference', { name, from: 0 }, {}, open);
    expect(ending).toMatchObject({ kind: 'error', facts: { kind } });
  });
});

describe('images', () => {
  test.each([
    ['outside the roots', () => '/etc/hostname', 'PATH_DENIED'],
    ['that climbs out of the roots', () => path.join(folder, 'images', '..', 'secret'), 'PATH_DENIED'],
    ['that is a link out of the roots', () => link('/etc/hostname'), 'PATH_DENIED'],
    ['of a device', () => link('/dev/zero'), 'PATH_DENIED'],
    ['that does not exist', () => path.join(folder, 'images', 'missing.raw'), 'IMAGE_NOT_FOUND'],
    ['that is a folder', () => path.join(folder, 'images'), 'IMAGE_NOT_FOUND'],
    ['that is a pipe', () => fifo(), 'IMAGE_NOT_FOUND'],
    ['of 0 bytes', () => empty(), 'IMAGE_CORRUPT'],
  ])('a path %s is refused', async (_, makePath, code) => {
    const { ending } = await runOn({ path: makePath(), format: 'raw' });
    expect(ending).toMatchObject({ kind: 'refused', code });
  });

  test.each([
    ['with the prefix', (hex: string) => `sha256:${hex}`],
    ['bare', (hex: string) => hex],
    ['in capitals', (hex: string) => `SHA256:${hex.toUpperCase()}`],
  ])('a checksum %s that fits lets the attempt run', async (_, spell) => {
    const checksum = spell(createHash('sha256').update(IMAGE_BYTES).digest('hex'));
    const { ending, checksums, imageBytesRead } = await runOn({ path: image, format: 'raw', checksum });
    expect(ending.kind).toBe('result');
    expect(checksums).toEqual(['success']);
    expect(imageBytesRead).toBe(IMAGE_BYTES.length);
  });

  test.each([
    ['of another file', 'a'.repeat(64), 'IMAGE_CHECKSUM_MISMATCH', ['failure']],
    ['of another algorithm', `md5:${'a'.repeat(32)}`, 'VALIDATION_ERROR', []],
    ['that is too short', 'sha256:abc', 'VALIDATION_ERROR', []],
  ])('a checksum %s stops the attempt', async (_, checksum, code, outcomes) => {
    const report = await runOn({ path: image, format: 'raw', checksum });
    expect(report.ending).toMatchObject({ kind: 'refused', code });
    expect(report.checksums).toEqual(outcomes);
  });

  test('a file that is written to while it is read is noticed', async () => {
    const changing = nextPath();
    writeFileSync(changing, 'before');
    const { ending } = await runOn({ path: changing, format: 'raw' }, 'test.until-changed', ({ phase }) => {
      if (phase === 'inspection') writeFileSync(changing, 'changed', { flag: 'r+' });
    });
    expect(ending).toMatchObject({ kind: 'refused', code: 'IMAGE_CHANGED' });
  });
});

describe('the document of a result', () => {
  test('is not written once the caller has stopped the attempt', async () => {
    const stop = new AbortController();
    const output = { format: 'json', destination: 'late.json' } as const;
    const task = { operation: 'test.sleep', payload: null, images: [{ path: image, format: 'raw' }], output };
    const { ending } = await pool.run(task, { ...LIMITS, signal: stop.signal, onProgress: () => stop.abort() });
    expect(ending).toEqual({ kind: 'stopped' });
    expect(readdirSync(path.join(folder, 'results'))).toEqual([]);
  });

  test('does not replace an image that is read', async () => {
    const output = { format: 'json', destination: image } as const;
    const task = { operation: 'test.return', payload: {}, images: [{ path: image, format: 'raw' }], output };
    await using overlapping = await startPool({ outputRoots: [path.dirname(image)] });
    const { ending } = await overlapping.run(task, LIMITS);
    expect(ending).toMatchObject({ kind: 'refused', code: 'PATH_DENIED' });
    expect(readFileSync(image).equals(IMAGE_BYTES)).toBe(true);
  });
});

function startPool(options: Partial<JailPoolOptions>): Promise<JailPool> {
  return JailPool.start({
    runnersModule: RUNNERS,
    memoryMb: 128,
    asNobody: true,
    imageRoots: [path.join(folder, 'images')],
    outputRoots: [path.join(folder, 'results')],
    references: 'deny',
    maxDiskSizeGb: 0,
    slots: 1,
    killGraceMs: 200,
    onBroken: () => undefined,
    ...options,
  });
}

function run(operation: string, payload: unknown = null, limits: Partial<RunLimits> = {}, jails = pool) {
  return jails.run({ operation, payload, images: [{ path: image, format: 'raw' }] }, { ...LIMITS, ...limits });
}

function runOn(
  request: ImageRequest,
  operation = 'test.return',
  onProgress: RunLimits['onProgress'] = () => undefined,
): Promise<JailReport> {
  return pool.run({ operation, payload: null, images: [request] }, { ...LIMITS, onProgress });
}

const LIMITS: RunLimits = { timeoutMs: 10_000, signal: new AbortController().signal, onProgress: () => undefined };

/** A jail that is surely at work. */
async function startSpinning() {
  const pid = Promise.withResolvers<number>();
  const stopper = new AbortController();
  const report = run('test.spin', null, {
    signal: stopper.signal,
    onProgress: ({ phase, message }) => phase === 'inspection' && pid.resolve(Number(message)),
  });
  const stop = async () => {
    stopper.abort();
    await report;
  };
  return { pid: await pid.promise, report, stop };
}

function jailPids(): number[] {
  const children = execFileSync('ps', ['--ppid', String(process.pid), '-o', 'pid=,args='], { encoding: 'utf8' });
  return children
    .split('\n')
    .filter((line) => line.includes('jail/main.ts'))
    .map((line) => Number.parseInt(line, 10));
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return length;
}

let made = 0;
function nextPath(): string {
  made += 1;
  return path.join(folder, 'images', `made-${made}.raw`);
}

function link(target: string): string {
  const place = nextPath();
  symlinkSync(target, place);
  return place;
}

function fifo(): string {
  const place = nextPath();
  execFileSync('mkfifo', [place]);
  return place;
}

function empty(): string {
  const place = nextPath();
  writeFileSync(place, '');
  return place;
}
