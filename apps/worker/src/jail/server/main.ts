// The thread beside the main loop that keeps one jail warm and serves it: slow storage blocks this thread, and neither the
// leases of the worker nor other attempts. In order: start a jail, say so, wait for a task, serve it, report, start over.

import { on } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { SeatNews, SeatOrder, SeatSettings } from '../task.ts';
import { JailProcess } from './jail-process.ts';
import { serveAttempt } from './serve-attempt.ts';

const RETRY_START_MS = 1000;

const port = parentPort;
if (port === null) throw new Error('Cannot serve a jail: this is not a thread');
const settings = workerData as SeatSettings;
const tell = (news: SeatNews) => port.postMessage(news);

const orders = on(port, 'message');

let order = orders.next();
for (;;) {
  const jail = await startJail();
  // a jail may also die while it waits, and then the order goes to its successor
  const taken = jail && (await Promise.race([order, jail.exited.then(() => undefined)]));
  if (jail === undefined || taken === undefined) continue;
  const [{ task }] = taken.value as [SeatOrder];
  order = orders.next();
  const report = await serveAttempt({
    jail,
    settings,
    task,
    onProgress: (step) => tell({ type: 'progress', step }),
  });
  tell({ type: 'ended', report });
}

async function startJail(): Promise<JailProcess | undefined> {
  try {
    const startedAt = performance.now();
    const jail = await JailProcess.start(settings.command, settings.memoryMb);
    tell({ type: 'ready', pid: jail.pid, startMs: performance.now() - startedAt, sealed: jail.sealed });
    return jail;
  } catch (error) {
    tell({ type: 'broken', message: (error as Error).message });
    await setTimeout(RETRY_START_MS);
    return undefined;
  }
}
