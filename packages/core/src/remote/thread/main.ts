// The thread that fetches for one that stands still. In order: open the image, say so, answer one read after the other.

import { workerData } from 'node:worker_threads';
import { openRemoteImage, type RemoteImage } from '../open-remote.ts';
import { RemoteError } from '../remote-error.ts';
import type { ReadOrder, ThreadAnswer, ThreadOrder } from './blocking-image.ts';

const { address, settings, port, answers } = workerData as ThreadOrder;

await answerWith(async () => {
  const image = await openRemoteImage(address, settings, { signal: new AbortController().signal });
  port.on('message', (order: ReadOrder) => void answerWith(() => read(image, order)));
  const { sizeBytes, stamp, usage } = image;
  return { type: 'opened', sizeBytes, isVersioned: stamp !== undefined, usage };
});

async function read(image: RemoteImage, { offset, length }: ReadOrder): Promise<ThreadAnswer> {
  const bytes = await image.read(offset, length);
  return { type: 'bytes', bytes, usage: image.usage };
}

async function answerWith(produce: () => Promise<ThreadAnswer>): Promise<void> {
  port.postMessage(await produce().catch(failureOf));
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}

function failureOf(error: unknown): ThreadAnswer {
  const kind = error instanceof RemoteError ? error.kind : undefined;
  return { type: 'failed', kind, message: error instanceof Error ? error.message : String(error) };
}
