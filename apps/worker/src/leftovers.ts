import { opendir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { inBackground } from '@guestkit/core/coordination/background';
import type { WritingAttempts } from '@guestkit/core/coordination/fence';
import { temporaryOwner } from '@guestkit/core/security/temporary-name';
import type { Logger } from '@guestkit/core/telemetry/logger';

export interface LeftoverOptions {
  /** Folders that results are written to. */
  readonly roots: readonly string[];
  readonly attempts: WritingAttempts;
  readonly logger: Pick<Logger, 'info'>;
  readonly onError: (error: Error) => void;
  /** Between two looks, at least. */
  readonly everyMs?: number;
}

const EVERY_MS = 60_000;
/** A look that took long is followed by a long rest: the storage has better things to do. */
const REST_RATIO = 50;
/** An attempt that nobody knows may be of another cluster on the same storage; no write takes so long. */
const UNKNOWN_MS = 24 * 3600 * 1000;

/**
 * Removes, at the start and every now and then, what attempts left half written that were killed, and whose job will have no other
 * one: it was cancelled, say. The fence tells which may never publish again; what a live attempt writes is left alone.
 */
export function sweepLeftovers(options: LeftoverOptions): AsyncDisposable {
  return inBackground((signal) => sweepUntil(signal, options));
}

async function sweepUntil(signal: AbortSignal, options: LeftoverOptions): Promise<void> {
  const { everyMs = EVERY_MS, roots, onError } = options;
  while (!signal.aborted) {
    const startedMs = performance.now();
    for (const root of roots) await sweepFolder(root, signal, options).catch(onError);
    const restMs = Math.max(everyMs, (performance.now() - startedMs) * REST_RATIO);
    await delay(restMs, undefined, { signal }).catch(() => {});
  }
}

async function sweepFolder(folder: string, signal: AbortSignal, options: LeftoverOptions): Promise<void> {
  for await (const entry of await openFolder(folder)) {
    if (signal.aborted) return;
    const place = path.join(folder, entry.name);
    // one that cannot be looked into must not keep the others from it
    if (entry.isDirectory()) await sweepFolder(place, signal, options).catch(options.onError);
    else if (entry.isFile()) await removeIfOver(place, options);
  }
}

async function openFolder(folder: string) {
  return (await orAbsent(opendir(folder))) ?? [];
}

async function removeIfOver(file: string, { attempts, logger }: LeftoverOptions): Promise<void> {
  const owner = temporaryOwner(path.basename(file));
  if (owner === undefined) return;
  const standing = await attempts.standingOf(owner);
  if (standing === 'newest' || (standing === 'unknown' && !(await isOld(file)))) return;
  await rm(file, { force: true });
  logger.info({ file }, 'removed what a killed attempt left half written');
}

async function isOld(file: string): Promise<boolean> {
  const stats = await orAbsent(stat(file));
  return stats !== undefined && stats.mtimeMs + UNKNOWN_MS < Date.now();
}

/** Nothing may be written yet, and attempts and other workers move and remove files meanwhile. */
async function orAbsent<Found>(finding: Promise<Found>): Promise<Found | undefined> {
  try {
    return await finding;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
