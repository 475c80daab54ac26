import { spawn } from 'node:child_process';
import { parentPort } from 'node:worker_threads';
import type { SeatNews } from '../../apps/worker/src/jail/task.ts';

// A thread like that of a jail, but one that hangs in a call as soon as it has work, as if its storage did not answer.

const jail = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
parentPort?.postMessage({ type: 'ready', pid: jail.pid ?? 0, startMs: 0, sealed: true } satisfies SeatNews);
parentPort?.on('message', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
