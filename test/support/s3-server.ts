import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A server that speaks S3, of one test file. It keeps everything in memory. */
export interface TestS3 extends AsyncDisposable {
  readonly endpoint: string;
  /** Makes a new, empty bucket. */
  newBucket(): Promise<string>;
}

/** Any will do for the server, but the SDK insists on some. */
export const S3_CREDENTIALS = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' } as const;

/** Why there can be no server here, or `undefined` where there can. */
export const s3Absent =
  spawnSync('python3', ['-c', 'import moto.server']).status === 0
    ? undefined
    : 'moto is not installed (pip install "moto[server]")';
if (s3Absent !== undefined) console.log(`skipped: ${s3Absent}`);

/** Starts the S3 of moto, a re-implementation of Amazon's services for tests. */
export async function startS3(): Promise<TestS3> {
  const command = ['python3', '-m', 'moto.server', '--host', '127.0.0.1', '--port', '0'];
  // a test run that is killed must not leave servers behind
  const [program = '', ...args] =
    process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL', ...command] : command;
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const killServer = () => server.kill('SIGKILL');
  process.once('exit', killServer);
  const endpoint = await endpointFrom(server);
  let buckets = 0;
  return {
    endpoint,
    async newBucket() {
      buckets += 1;
      const bucket = `bucket-${buckets}`;
      const { ok, status } = await fetch(`${endpoint}/${bucket}`, { method: 'PUT' });
      if (!ok) throw new Error(`Cannot make a bucket: status ${status}`);
      return bucket;
    },
    async [Symbol.asyncDispose]() {
      const exited = once(server, 'exit');
      killServer();
      await exited;
      process.removeListener('exit', killServer);
    },
  };
}

async function endpointFrom(server: ChildProcess): Promise<string> {
  if (server.stderr === null) throw new TypeError('Cannot read what moto says: it is not a pipe');
  const written: string[] = [];
  for await (const line of createInterface({ input: server.stderr })) {
    written.push(line);
    const endpoint = /Running on (http:\/\/[\d.:]+)/.exec(line)?.[1];
    if (endpoint === undefined) continue;
    // nobody reads on, and a full pipe would stop the server
    server.stderr.resume();
    return endpoint;
  }
  throw new Error(`Cannot start moto: it ended\n${written.join('\n')}`);
}
