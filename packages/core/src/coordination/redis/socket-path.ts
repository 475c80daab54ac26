import { lstat, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** The kernel takes 107 bytes (Linux) or 103 (macOS). */
const LONGEST_SOCKET_PATH_BYTES = 100;

/** Where the server of a folder has its socket; `undefined` when that was never chosen. */
export async function knownSocket(folder: string): Promise<string | undefined> {
  const direct = path.join(folder, 'redis.sock');
  return isShort(direct) ? direct : readRecord(folder);
}

/** The socket of a folder: in it, or, where the path is too long for that, in a folder for temporary files, noted here. */
export async function chooseSocket(folder: string): Promise<string> {
  const known = await knownSocket(folder);
  if (known !== undefined) return known;
  // made for this user alone: nobody can put a socket of theirs in our place
  const socket = path.join(await mkdtemp(path.join(tmpdir(), 'guestkit-')), 'redis.sock');
  await writeFile(recordFile(folder), socket);
  return socket;
}

/** Removes what lies outside the folder. */
export async function forgetSocket(folder: string): Promise<void> {
  const socket = await readRecord(folder);
  if (socket === undefined) return;
  await rm(recordFile(folder), { force: true });
  await rm(path.dirname(socket), { recursive: true, force: true });
}

async function readRecord(folder: string): Promise<string | undefined> {
  const socket = await readFile(recordFile(folder), 'utf8').catch(() => undefined);
  return socket !== undefined && (await isOurs(path.dirname(socket))) ? socket : undefined;
}

/** A reboot empties the folder for temporary files, and then anybody may make one of that name. */
async function isOurs(folder: string): Promise<boolean> {
  const facts = await lstat(folder).catch(() => undefined);
  return facts?.isDirectory() === true && facts.uid === process.getuid?.() && (facts.mode & 0o077) === 0;
}

function isShort(socket: string): boolean {
  return Buffer.byteLength(socket) <= LONGEST_SOCKET_PATH_BYTES;
}

function recordFile(folder: string): string {
  return path.join(folder, 'socket-path');
}
