import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, chownSync, constants, existsSync, globSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

/** A real PostgreSQL of one test file, on a unix socket in a folder of its own. `await using` removes both. */
export interface TestPostgres extends AsyncDisposable {
  readonly pid: number;
  /** The URL of a new, empty schema, which is all that its users see. */
  newSchema(): Promise<string>;
  /** The URL of a new, empty database: for programs that have schemas of their own. */
  newDatabase(): Promise<string>;
  /** Asks anything, as the superuser. */
  query<Row>(sql: string): Promise<readonly Row[]>;
  /** Ends it in an orderly way, its clients with it. */
  stop(): Promise<void>;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again on the same socket and files. */
  restart(): Promise<void>;
}

export interface TestPostgresOptions {
  /** Settings on top of ours, such as `{ max_connections: '5' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Why there can be no server here, or `undefined` where there can. */
export const postgresAbsent = programFolder() === undefined ? 'PostgreSQL is not installed' : undefined;
if (postgresAbsent !== undefined) console.log(`skipped: ${postgresAbsent}`);

const run = promisify(execFile);
/** Files of new servers, by version and owner. */
const MADE = path.join(import.meta.dirname, '../../.guestkit/test/postgres');

const SETTINGS = {
  listen_addresses: '',
  // the tests kill servers, not machines
  fsync: 'off',
  shared_buffers: '32MB',
  max_connections: '200',
  // what is stuck on purpose should not take long
  deadlock_timeout: '50ms',
};

export async function startPostgres({ settings = {} }: TestPostgresOptions = {}): Promise<TestPostgres> {
  // a short folder name: the path of a unix socket holds about 100 bytes
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-pg-'));
  const user = unprivilegedUser();
  if (user !== undefined) giveTo(user, folder);
  await initialise(folder, user);
  const launchAgain = () => launch({ folder, user, settings: { ...SETTINGS, ...settings } });
  let server = await launchAgain();
  const end = async (signal: NodeJS.Signals) => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill(signal);
    await exited;
  };
  const query = <Row>(sql: string) => ask<Row>(folder, sql);
  let schemas = 0;
  return {
    get pid() {
      return server.pid ?? 0;
    },
    query,
    async newSchema() {
      schemas += 1;
      await query(`create schema test_${schemas}`);
      return `${urlOf(folder)}&options=${encodeURIComponent(`-c search_path=test_${schemas}`)}`;
    },
    async newDatabase() {
      schemas += 1;
      await query(`create database test_${schemas}`);
      return urlOf(folder, `test_${schemas}`);
    },
    // "fast": it does not wait for clients to leave
    stop: () => end('SIGINT'),
    kill: () => end('SIGKILL'),
    async restart() {
      await end('SIGINT');
      server = await launchAgain();
    },
    async [Symbol.asyncDispose]() {
      await end('SIGQUIT');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly folder: string;
  readonly user: string | undefined;
}

/** Gives a folder the files of a new server: a copy of those that initdb made once, which takes a fraction of its time. */
async function initialise(folder: string, user: string | undefined): Promise<void> {
  const { stdout: version } = await run(programOf('initdb'), ['--version']);
  const made = path.join(MADE, `${version.trim().replaceAll(/[^\w.]+/g, '-')}-${user ?? 'self'}`);
  if (!existsSync(made)) await make(made, user);
  await run('cp', ['-a', made, path.join(folder, 'data')]);
}

/** Several test files may find at once that it is missing: the first to be done is taken. */
async function make(made: string, user: string | undefined): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'gk-initdb-'));
  if (user !== undefined) giveTo(user, folder);
  const how = ['--auth=trust', '--username=guestkit', '--encoding=UTF8', '--locale=C', '--no-sync'];
  const data = path.join(folder, 'data');
  const [program = '', ...args] = asUser(user, [programOf('initdb'), '--pgdata', data, ...how]);
  await run(program, args, { cwd: folder });
  await mkdir(MADE, { recursive: true });
  // a copy, which takes its place in one step
  const beside = await mkdtemp(path.join(MADE, 'new-'));
  try {
    await run('cp', ['-a', data, beside]);
    await rename(path.join(beside, 'data'), made);
  } catch (error) {
    if (!existsSync(made)) throw error;
  } finally {
    await Promise.all([beside, folder].map((left) => rm(left, { recursive: true })));
  }
}

async function launch({
  folder,
  user,
  settings,
}: Place & { readonly settings: Readonly<Record<string, string>> }): Promise<ChildProcess> {
  const given = Object.entries({ ...settings, unix_socket_directories: folder });
  const options = given.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [program = '', ...args] = asUser(user, [programOf('postgres'), '-D', path.join(folder, 'data'), ...options]);
  const server = spawn(program, args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  const written: string[] = [];
  server.stderr.on('data', (text: Buffer) => written.push(text.toString()));
  await once(server, 'spawn');
  const endServer = () => server.kill('SIGQUIT');
  process.once('exit', endServer);
  server.once('exit', () => process.removeListener('exit', endServer));
  while (!(await isReady(folder))) {
    if (server.exitCode !== null) throw new Error(`Cannot start postgres: it ended\n${written.join('')}`);
    await delay(20);
  }
  return server;
}

/** PostgreSQL refuses to run as root. On Linux, a test run that is killed leaves no server behind. */
function asUser(user: string | undefined, command: readonly string[]): readonly string[] {
  if (process.platform !== 'linux') return command;
  const change = user === undefined ? [] : [`--reuid=${user}`, `--regid=${groupOf(user)}`, '--clear-groups'];
  return ['setpriv', ...change, '--pdeathsig', 'QUIT', ...command];
}

function unprivilegedUser(): string | undefined {
  if (process.getuid?.() !== 0) return undefined;
  return ['postgres', 'nobody'].find((user) => {
    try {
      return idOf('-u', user) > 0;
    } catch {
      return false;
    }
  });
}

function giveTo(user: string, folder: string): void {
  chownSync(folder, idOf('-u', user), groupOf(user));
}

function groupOf(user: string): number {
  return idOf('-g', user);
}

function idOf(which: '-u' | '-g', user: string): number {
  return Number(execFileSync('id', [which, user], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}

function programOf(name: string): string {
  return path.join(programFolder() ?? '', name);
}

/** Debian and Homebrew keep the programs of each version out of the PATH. */
function programFolder(): string | undefined {
  const onPath = (process.env.PATH ?? '').split(path.delimiter);
  const versions = globSync(['/usr/lib/postgresql/*/bin', '/{opt/homebrew,usr/local}/opt/postgresql@*/bin']);
  return [...onPath, ...versions].find((folder) => isExecutable(path.join(folder, 'postgres')));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function urlOf(folder: string, database = 'postgres'): string {
  return `postgres://guestkit@/${database}?host=${folder}`;
}

async function isReady(folder: string): Promise<boolean> {
  return ask(folder, 'select 1').then(
    () => true,
    () => false,
  );
}

async function ask<Row>(folder: string, sql: string): Promise<readonly Row[]> {
  const client = new Client({ connectionString: urlOf(folder), connectionTimeoutMillis: 5_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    const { rows } = await client.query(sql);
    return rows;
  } finally {
    await client.end();
  }
}
