import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** A lock without the name of its owner is being made, or its maker died in between. */
const NAMELESS_FOR_MS = 5_000;

/** Takes a lock that is a folder, unless a living process has it; disposing gives it back. */
export async function tryLock(folder: string): Promise<AsyncDisposable | undefined> {
  const owner = await ownerOf(folder);
  if (await isAbandoned(folder, owner)) await discard(folder, owner);
  try {
    await mkdir(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return undefined;
    throw error;
  }
  await writeFile(ownerFile(folder), String(process.pid));
  return { [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

async function isAbandoned(folder: string, owner: string): Promise<boolean> {
  if (owner !== '') return !isAlive(Number(owner));
  const made = await stat(folder).catch(() => undefined);
  return made !== undefined && Date.now() - made.mtimeMs > NAMELESS_FOR_MS;
}

/** Of several who find it abandoned, one may have taken it anew meanwhile: what was moved aside by mistake goes back. */
async function discard(folder: string, owner: string): Promise<void> {
  const aside = `${folder}.${process.pid}.${performance.now()}`;
  await rename(folder, aside).catch(() => {});
  if ((await ownerOf(aside)) !== owner) await rename(aside, folder).catch(() => {});
  await rm(aside, { recursive: true, force: true });
}

/** The process id of the owner; empty when there is none, or it has not written it yet. */
function ownerOf(folder: string): Promise<string> {
  return readFile(ownerFile(folder), 'utf8').catch(() => '');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // of another user, but alive
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

function ownerFile(folder: string): string {
  return path.join(folder, 'owner');
}
