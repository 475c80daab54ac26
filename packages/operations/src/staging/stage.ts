import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fstatSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { type Compression, DiskError } from '@guestkit/disk/unpack';
import { unpackCommand } from './command.ts';
import { readFailure } from './failure.ts';
import { ScratchFile } from './scratch-file.ts';

// A compressed image has to be unpacked before it can be read at any offset. A process without rights does that; here, plain bytes
// are only counted and stored.

const LONGEST_REPORT = 8192;
/** Zeros cost no space, but time: a small file may not stand for an endless one. */
const FREE_BYTES = 2 ** 30;
const LARGEST_RATIO = 10_000;
/** Of any disk, see the limits of containers. */
const LARGEST_DISK = 64 * 2 ** 40;

export interface StagingOptions {
  /** Where the unpacked image is stored for as long as it is open. */
  readonly folder: string;
  /** What may be stored; zeros are not. */
  readonly limitBytes: number;
  readonly signal?: AbortSignal;
  /** Told of every piece. */
  readonly onPiece?: () => void;
  /** See `unpackCommand`. */
  readonly command?: readonly string[];
}

/**
 * Unpacks an image that is open as `fd` into a file without a name.
 * @throws DiskError `corrupt`, `unsupported` when a limit is met, `io` with its `cause` when it cannot be stored; the signal's reason
 */
export async function stageImage(fd: number, compression: Compression, options: StagingOptions): Promise<ScratchFile> {
  const { folder, command = unpackCommand(), signal } = options;
  const scratch = storing(() => new ScratchFile(folder));
  const [file = '', ...args] = command;
  const child = spawn(file, [...args, compression], { cwd: '/', env: {}, stdio: [fd, 'ignore', 'pipe', 'pipe'] });
  const kill = () => child.kill('SIGKILL');
  try {
    signal?.throwIfAborted();
    signal?.addEventListener('abort', kill, { once: true });
    await store(child, scratch, { ...options, largest: largestSize(fd) });
    return scratch;
  } catch (error) {
    kill();
    scratch[Symbol.dispose]();
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

function largestSize(fd: number): number {
  return Math.min(LARGEST_DISK, Math.max(FREE_BYTES, fstatSync(fd).size * LARGEST_RATIO));
}

async function store(
  child: ChildProcess,
  scratch: ScratchFile,
  { limitBytes, largest, onPiece }: StagingOptions & { readonly largest: number },
): Promise<void> {
  const [, , errors, output] = child.stdio as unknown as readonly [null, null, Readable, Readable];
  const report = collect(errors);
  const closed = once(child, 'close');
  // it is awaited later, or not at all once something else went wrong
  closed.catch(() => undefined);
  for await (const piece of output) {
    storing(() => scratch.append(piece));
    onPiece?.();
    if (scratch.storedBytes > limitBytes) throw tooLarge(`more than ${limitBytes} bytes of data, which is the limit`);
    if (scratch.sizeBytes > largest) throw tooLarge(`more than ${largest} bytes, out of proportion to its file`);
  }
  const [code] = await closed;
  if (code !== 0) throw readFailure(await report);
  storing(() => scratch.finish());
}

async function collect(stream: Readable): Promise<string> {
  let text = '';
  for await (const piece of stream.setEncoding('utf8')) text = (text + piece).slice(0, LONGEST_REPORT);
  return text;
}

function tooLarge(state: string): DiskError {
  return new DiskError('unsupported', `Cannot unpack image: it holds ${state}`);
}

const STATES: ReadonlyMap<unknown, string> = new Map([
  ['ENOSPC', 'there is no space left in the staging folder'],
  ['EDQUOT', 'there is no quota left in the staging folder'],
]);

function storing<T>(action: () => T): T {
  try {
    return action();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const state = STATES.get(code) ?? `the staging folder refuses it (${code})`;
    throw new DiskError('io', `Cannot unpack image: ${state}`, { cause });
  }
}
