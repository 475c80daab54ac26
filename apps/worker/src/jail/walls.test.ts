import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { getPriority } from 'node:os';
import path from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { IMAGE_BYTES, type JailBench, openJailBench } from '../testing/jail-bench.ts';
import { encodeFrame, encodeJson, encodeRead, MAX_RESULT_BYTES } from './frame.ts';
import { JAIL_NICENESS } from './server/give-way.ts';

let bench: JailBench;

beforeAll(async () => {
  bench = await openJailBench();
});

afterAll(() => bench?.[Symbol.asyncDispose]());

describe('the walls of a jail', () => {
  test('leave no way out', async () => {
    const targets = { file: '/etc/passwd', folder: bench.folder, addon: '/lib/none.node', supervisor: process.pid };
    const { ending } = await bench.run('test.escape', targets);
    const ways = ending.kind === 'result' ? (ending.value as Record<string, string>) : {};
    expect(Object.keys(ways)).toHaveLength(16);
    expect(Object.entries(ways).filter(([, refusal]) => refusal === 'OPEN')).toEqual([]);
    expect(readdirSync(bench.folder).sort()).toEqual(['images', 'results']);
  });

  test('let no packet out', async () => {
    const heard: string[] = [];
    const server = createServer(() => heard.push('tcp')).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = createSocket('udp4', () => heard.push('udp')).bind(port, '127.0.0.1');
    await once(socket, 'listening');
    expect((await bench.run('test.connect', { port })).ending.kind).toBe('result');
    server.close();
    socket.close();
    expect(heard).toEqual([]);
  });

  test.skipIf(process.platform !== 'linux')('are held by the kernel too', async () => {
    const { pid, stop } = await bench.startSpinning();
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

test.skipIf(process.platform !== 'linux')('A jail gives way to whatever else the machine does', async () => {
  const { pid, stop } = await bench.startSpinning();
  const [own, group] = [getPriority(pid), `/proc/${pid}/autogroup`];
  const ofSession = existsSync(group) ? readFileSync(group, 'utf8') : `nice ${JAIL_NICENESS}`;
  await stop();
  expect(own).toBe(JAIL_NICENESS);
  expect(ofSession.trim()).toMatch(new RegExp(`nice ${JAIL_NICENESS}$`));
});

describe('a jail in the hands of its image', () => {
  const ABUSES: Readonly<Record<string, Buffer>> = {
    'an unknown type': Buffer.from([0, 0, 0, 0, 200]),
    'a frame of the supervisor': encodeJson('opened', {}),
    'a length of 4 GiB': Buffer.from([255, 255, 255, 255, 2]),
    'a result that is too long': Buffer.concat([lengthOf(MAX_RESULT_BYTES + 1), Buffer.from([5])]),
    'a result nested a thousand deep': encodeFrame('result', Buffer.from('['.repeat(1000))),
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
    const { ending } = await bench.run('test.say', { base64: bytes.toString('base64') });
    expect(ending.kind).toBe('abuse');
  });

  test('that floods its supervisor with progress is ended', async () => {
    expect((await bench.run('test.steps', 20_000)).ending.kind).toBe('abuse');
  });

  test('that asks and never listens is ended', async () => {
    const ask = encodeRead({ source: 0, offset: 0, length: 4 * 2 ** 20 }).toString('base64');
    expect((await bench.run('test.say', { base64: ask, times: 20 })).ending.kind).toBe('abuse');
  });

  test('that sends random bytes ends itself at most', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 5, maxLength: 200 }), async (bytes) => {
        const base64 = Buffer.from(bytes).toString('base64');
        expect((await bench.run('test.say', { base64 }, { timeoutMs: 400 })).ending.kind).toMatch(/abuse|timeout/);
      }),
      { numRuns: 15 },
    );
    expect((await bench.run('test.return', 'alive')).ending).toEqual({ kind: 'result', value: 'alive' });
  });

  test('gets nothing from beside the image under the policy "deny"', async () => {
    const name = path.basename(bench.make.file('base'));
    const { ending } = await bench.run('test.reference', { name, from: 0 });
    expect(ending).toMatchObject({ kind: 'error', facts: { kind: 'denied' } });
  });
});

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(bytes);
  return length;
}
