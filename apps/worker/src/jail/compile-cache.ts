import { execFile } from 'node:child_process';
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

// Jails start in half the time, and smaller, when their code was compiled before.

const run = promisify(execFile);
const PREFIX = 'guestkit-compiled-';

/** A folder of compiled code that jails read and cannot change. */
export interface CompileCache extends AsyncDisposable {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Runs a program once to fill a cache, as the user and with the flags that later runs will have: Node keeps these apart. */
export async function fillCompileCache(argv: readonly string[], user: number | undefined): Promise<CompileCache> {
  await removeLeftOvers();
  const folder = await mkdtemp(path.join(tmpdir(), `${PREFIX}${process.pid}-`));
  const env = { NODE_COMPILE_CACHE: folder };
  await using made = new AsyncDisposableStack();
  made.defer(() => rm(folder, { recursive: true, force: true }));
  const [file = '', ...args] = argv;
  if (user !== undefined) await chown(folder, user, user);
  await run(file, args, { cwd: '/', env });
  if (user !== undefined) await takeBack(folder);
  const kept = made.move();
  return { folder, env, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

/** A supervisor that was killed could not tidy up. */
async function removeLeftOvers(): Promise<void> {
  const names = await readdir(tmpdir());
  const left = names.filter(
    (name) => name.startsWith(PREFIX) && !isRunning(Number.parseInt(name.slice(PREFIX.length), 10)),
  );
  // those of another user stay
  await Promise.allSettled(left.map((name) => rm(path.join(tmpdir(), name), { recursive: true, force: true })));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** What lies here is run as code, so the user of the jails may read it and no more. */
async function takeBack(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) await own(path.join(entry.parentPath, entry.name), entry.isDirectory() ? 0o755 : 0o644);
  await own(folder, 0o755);
}

async function own(file: string, mode: number): Promise<void> {
  await chown(file, 0, 0);
  await chmod(file, mode);
}
