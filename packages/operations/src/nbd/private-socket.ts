import { chmod, link, lstat, mkdtemp, rm, unlink } from 'node:fs/promises';
import type { Server } from 'node:net';
import path from 'node:path';

/** A unix socket cannot be made where it was asked for. */
export class SocketError extends Error {
  override readonly name = 'SocketError';
}

/** What the kernel has room for: 108 bytes on Linux, 104 elsewhere, one of them the end. */
const LONGEST_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Listens on a socket that only its owner can ever connect to. It is made in a private folder and then linked to its place,
 * complete, where a socket that is there already stays as it is: somebody may be listening to it.
 * @returns what removes the socket, once the server is closed
 * @throws SocketError
 */
export async function listenPrivately(server: Server, socketPath: string): Promise<() => Promise<void>> {
  try {
    const folder = await mkdtemp(path.join(path.dirname(socketPath), '.nbd-'));
    try {
      return await listenWithin(folder, server, socketPath);
    } finally {
      await rm(folder, { recursive: true });
    }
  } catch (cause) {
    server.close();
    throw new SocketError(`Cannot make socket "${socketPath}": ${stateOf(cause)}`, { cause });
  }
}

async function listenWithin(folder: string, server: Server, socketPath: string): Promise<() => Promise<void>> {
  const made = path.join(folder, 's');
  if (Buffer.byteLength(made) > LONGEST_PATH_BYTES) throw new RangeError('its folder has too long a path');
  await listen(server, made);
  await chmod(made, 0o600);
  await link(made, socketPath);
  const { dev, ino } = await lstat(socketPath);
  return async () => {
    const there = await lstat(socketPath).catch(absent);
    if (there?.dev === dev && there.ino === ino) await unlink(socketPath);
  };
}

function listen(server: Server, made: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(made, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function absent(error: unknown): undefined {
  if (codeOf(error) !== 'ENOENT') throw error;
}

const STATES: Readonly<Record<string, string>> = {
  EEXIST: 'there is a file already; remove it if nobody listens to it',
  ENOENT: 'its folder does not exist',
  ENOTDIR: 'its folder does not exist',
  EACCES: 'its folder cannot be written to',
  EROFS: 'its folder cannot be written to',
};

function stateOf(cause: unknown): string {
  const code = codeOf(cause);
  if (code !== undefined) return STATES[code] ?? code;
  return cause instanceof Error ? cause.message : String(cause);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
