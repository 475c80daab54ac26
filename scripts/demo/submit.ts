import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ResultDocument } from '@guestkit/core/job/result';
import type { InspectResult } from '@guestkit/operations/inspect/run';

const COMMAND = fileURLToPath(new URL('../../apps/cli/bin/guestkit-worker.js', import.meta.url));

export interface DemoResult extends ResultDocument {
  readonly data: InspectResult;
}

export interface Submission {
  readonly url: string;
  readonly image: string;
  readonly signal: AbortSignal;
}

/** Posts the job over HTTP as anyone would, with the command line; progress goes to the terminal while it runs. */
export async function submitAndWait({ url, image, signal }: Submission): Promise<DemoResult> {
  const job = ['submit', '--operation', 'guestkit.inspect', '--image', image, '--wait'];
  process.stdout.write(`demo: guestkit-worker ${job.join(' ')}\n\n`);
  const child = spawn(process.execPath, [COMMAND, ...job, '--url', url, '--output', 'json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    signal,
  });
  const ended = once(child, 'close');
  const [answer, [code]] = await Promise.all([text(child.stdout), ended]);
  if (code !== 0) throw new Error(`Cannot inspect the image: the job did not complete (exit code ${code})`);
  return JSON.parse(answer);
}
