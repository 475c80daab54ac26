import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { makeSampleDisk } from '../../../../scripts/sample-disk.ts';
import { type Content, type Fault, type ImageServer, startImageServer } from '../../../../test/support/image-server.ts';
import { S3_CREDENTIALS, s3Absent, startS3 } from '../../../../test/support/s3-server.ts';
import { EXIT_CODES } from '../exit-code.ts';
import { commandFile, type Ran, runForJson } from '../testing/run-command.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-remote-test-'));
const sample = path.join(folder, 'sample.qcow2');
beforeAll(() => void makeSampleDisk(sample));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('guestctl on a URL', () => {
  test('tells what it tells of the file', async () => {
    const { url } = await serve(sample);
    expect(await answerTo(['inspect', url])).toEqual(runForJson('guestctl', ['inspect', sample]));
    expect(await answerTo(['hash', url, '/etc', '-R'])).toEqual(runForJson('guestctl', ['hash', sample, '/etc', '-R']));
  });

  test('tells what it fetched, and hides the query', async () => {
    const server = await serve(sample);
    const document = await answerTo(['info', `${server.url}?signature=secret`]);
    expect(document).toMatchObject({
      image: `${server.url}?…`,
      source: { requests: server.requests.length, bytes_fetched: server.bytesSent, retries: 0 },
    });
    const { stderr } = await run(['info', server.url]);
    expect(stderr).toMatch(/^guestctl: note: fetched \d.* in \d+ requests$/m);
  });

  test('says so where a change could not be noticed', async () => {
    const server = await serve(sample);
    server.etag = undefined;
    expect((await run(['info', server.url])).stderr).toMatch(/neither ETag nor date/);
  });

  test.each<[string, Fault, keyof typeof EXIT_CODES]>([
    ['that is not there', (_, response) => Boolean(response.writeHead(404).end()), 'not-found'],
    ['that is forbidden', (_, response) => Boolean(response.writeHead(403).end()), 'denied'],
    [
      'whose server knows no ranges',
      (_, response) => Boolean(response.writeHead(200, { 'content-length': '99999999' }).write('x')),
      'unsupported',
    ],
    ['whose server is broken', (request) => Boolean(request.socket.destroy()), 'unreachable'],
    [
      'that changes',
      (_, _response, { nth, answer }) => {
        answer({ headers: { etag: `"${nth}"` } });
        return true;
      },
      'io',
    ],
  ])('of an image %s ends in one line', async (_, fault, ending) => {
    const { url } = await serve(sample, fault);
    const { code, stdout, stderr } = await run(['inspect', url]);
    expect(stderr).toMatch(/^guestctl: Cannot read "http:[^\n]+\n$/);
    expect({ code, stdout }).toEqual({ code: EXIT_CODES[ending], stdout: '' });
  });

  test('does not go to where clouds keep credentials', async () => {
    expect(await run(['info', 'http://2852039166/latest'])).toMatchObject({ code: EXIT_CODES.denied });
  });

  test('refuses a password in it, without repeating it', async () => {
    const { code, stderr } = await run(['info', 'https://user:secret@127.0.0.1/x']);
    expect(code).toBe(EXIT_CODES.denied);
    expect(stderr).not.toMatch(/secret/);
  });

  test('opens nothing that the image names', async () => {
    const overlay = path.join(folder, 'overlay.qcow2');
    execFileSync('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', sample, overlay]);
    const { url } = await serve(overlay);
    const { code, stderr } = await run(['inspect', url, '--references', 'same-directory']);
    expect(code).toBe(EXIT_CODES.denied);
    expect(stderr).toMatch(/which the image needs: the image is remote$/m);
  });
});

test.skipIf(s3Absent)('guestctl reads an object of a bucket', async () => {
  await using s3 = await startS3();
  const bucket = await s3.newBucket();
  await fetch(`${s3.endpoint}/${bucket}/disks/a%20b.qcow2`, { method: 'PUT', body: readFileSync(sample) });
  const flags = ['--s3-endpoint', s3.endpoint, '--s3-region', 'us-east-1'];
  const { image, source, ...facts } = await answerTo(['info', `s3://${bucket}/disks/a b.qcow2`, ...flags]);
  const { image: _, ...expected } = runForJson('guestctl', ['info', sample]);
  expect(facts).toEqual(expected);
  expect(image).toBe(`s3://${bucket}/disks/a b.qcow2`);
  expect(source.requests).toBeGreaterThan(0);
  const missing = await run(['info', `s3://${bucket}/missing`, ...flags]);
  expect(missing).toMatchObject({ code: EXIT_CODES['not-found'], stderr: expect.stringMatching(/no such object/) });
});

describe.each(['raw', 'qcow2'] as const)('a sparse disk of 20 GB as %s', (format) => {
  test('takes few requests and bytes to tell the system and its packages', async () => {
    const large = path.join(folder, `large.${format}`);
    const { virtualSizeBytes } = makeSampleDisk(large, { format, rootMib: 19_100 });
    expect(virtualSizeBytes).toBeGreaterThan(20e9);
    const server = await serve(large);
    const { operating_system, packages } = await answerTo(['inspect', server.url]);
    expect(operating_system.hostname).toBeTruthy();
    expect(packages.count).toBeGreaterThan(0);
    console.log(`20 GB ${format}: ${server.requests.length} requests, ${(server.bytesSent / 2 ** 20).toFixed(1)} MiB`);
    expect(server.requests.length).toBeLessThanOrEqual(200);
    expect(server.bytesSent).toBeLessThanOrEqual(150 * 2 ** 20);
  });
});

async function serve(content: Content, fault?: Fault): Promise<ImageServer> {
  const server = await startImageServer(content, fault);
  onTestFinished(() => server[Symbol.asyncDispose]());
  return server;
}

// biome-ignore lint/suspicious/noExplicitAny: documents of many shapes
async function answerTo(args: readonly string[]): Promise<any> {
  const { code, stdout, stderr } = await run([...args, '--output', 'json']);
  if (code !== 0) throw new Error(`guestctl ${args.join(' ')} ended with ${code}: ${stderr}`);
  return JSON.parse(stdout);
}

/** Beside this process, which serves the image. */
function run(args: readonly string[]): Promise<Ran> {
  const { promise, resolve } = Promise.withResolvers<Ran>();
  const env = { ...process.env, ...S3_CREDENTIALS };
  const options = { env, maxBuffer: 2 ** 28, timeout: 60_000 };
  const child = execFile(process.execPath, [commandFile('guestctl'), ...args], options, (_, stdout, stderr) =>
    resolve({ code: child.exitCode, stdout, stderr }),
  );
  return promise;
}
