// Loaded before the main.ts of a service (`node --import`): ends it when the process that keeps it is gone, even by SIGKILL.
// The parent holds the other end of this pipe and never writes: it closes when the parent ends.
import { Socket } from 'node:net';
import { isMainThread } from 'node:worker_threads';

/** The entry of `stdio` after the usual three, in keep-running.ts. */
const LIFELINE_FD = 3;

/** For a service that does not find its way out: nobody is left who would kill it. */
const LAST_MS = 60_000;

if (isMainThread) {
  const lifeline = new Socket({ fd: LIFELINE_FD }).unref().resume();
  lifeline.once('error', () => undefined);
  lifeline.once('close', () => {
    process.kill(process.pid, 'SIGTERM');
    setTimeout(() => process.exit(1), LAST_MS).unref();
  });
}
