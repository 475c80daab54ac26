// The thread beside the main loop that keeps one jail warm and serves it: slow storage blocks this thread, and neither the
// leases of the worker nor other attempts. In order: start a jail, say so, wait for a task, serve it, report, start over.

import { setTimeout } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { JailTask, SeatNews, SeatOrder, SeatSettings } from '../task.ts';
import { JailProcess } from './jail-process.ts';
import { serveAttempt } from './serve-attempt.ts';

const RETRY_START_MS = 1000;

const port = parentPort;
if (port === null) throw new Error('Cannot serve a jail: this is not a thread');
const settings = workerData as SeatSettings;
const tell = (news: SeatNews) => port.postMessage(news);

let order = Promise.withResolvers<JailTask>();
let permission = Promise.withResolvers<boolean>();
port.on('message', (news: SeatOrder) => {
  if (news.type === 'run') order.resolve(news.task);
  else permission.resolve(news.granted);
});

let kept: JailProcess | undefined;
for (;;) {
  const jail = kept ?? (await startJail());
  kept = undefined;
  // a jail may also die while it waits, and then the order goes to its successor
  const task = jail && (await Promise.race([order.promise, jail.exited.then(() => undefined)]));
  if (jail === undefined || task === undefined) continue;
  order = Promise.withResolvers();
  const report = await serveAttempt({
    ...{ jail, settings, task, mayPublish },
    onProgress: (step) => tell({ type: 'progress', step }),
    onLife: () => Atomics.add(settings.pulse, 0, 1),
  });
  tell({ type: 'ended', report });
  // one that has seen nothing of any image may still serve its one attempt
  if (report.isKnown && !jail.gone.aborted) {
    kept = jail;
    tell({ type: 'ready', pid: jail.pid, sealed: jail.sealed });
  }
}

function mayPublish(): Promise<boolean> {
  permission = Promise.withResolvers();
  tell({ type: 'may-publish' });
  return permission.promise;
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
