// Loaded before the main.ts of a service (`node --import`): ends it when the process that keeps it is gone, even by SIGKILL.
// The parent holds the other end of this pipe and never writes: it closes when the parent ends.
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/** The entry of `stdio` after the usual three, in keep-running.ts. */
const LIFELINE_FD = 3;

if (isMainThread) {
  const lifeline = new Socket({ fd: LIFELINE_FD }).unref().resume();
  lifeline.once('error', () => undefined);
  lifeline.once('close', () => process.kill(process.pid, 'SIGTERM'));
}
