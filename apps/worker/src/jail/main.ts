// The program of a jailed process. It serves one attempt and never two:
// load the runners while files may still be read, rehearse, give everything up, say so, wait for work, run it, report, be ended.

import { loadAll } from '@guestkit/disk/lazy';
import type { OperationContext, Runner } from '@guestkit/operations/operation';
import { Channel } from './channel.ts';
import { confine } from './confine.ts';
import { factsOf } from './error-facts.ts';
import { decodeJson, encodeFrame, encodeJson, FrameError, HEADER_BYTES } from './frame.ts';
import { openReference, PipeSource } from './pipe-source.ts';
import type { StartOrder } from './start-order.ts';

const PIPE = 3;

const [runnersModule, purpose] = process.argv.slice(2);
if (runnersModule === undefined) throw new TypeError('Cannot start a jail: no module of runners was named');
const { runners, rehearse } = (await import(runnersModule)) as RunnersModule;
// the readers of formats are loaded when an image needs them, which is too late here
loadAll();
// on a disk of our own: a real one should not pay for compiling the code that reads it
rehearse?.();
if (purpose !== 'warm-up') serve();

interface RunnersModule {
  readonly runners: ReadonlyMap<string, Runner>;
  readonly rehearse?: () => void;
}

function serve(): void {
  confine({ asNobody: purpose === 'as-nobody' });
  const channel = new Channel(PIPE);
  channel.send(encodeFrame('ready', new Uint8Array()));
  const order = decodeJson(channel.receive()) as StartOrder;
  channel.send(report(order, channel));
  // the supervisor reads off what this process used, then ends it
  channel.receive();
}

function report(order: StartOrder, channel: Channel): Buffer {
  try {
    return encodeResult(run(order, channel), order);
  } catch (error) {
    return encodeJson('error', factsOf(error));
  }
}

function encodeResult(value: unknown, { maxResultBytes }: StartOrder): Buffer {
  const frame = encodeJson('result', value);
  const sizeBytes = frame.length - HEADER_BYTES;
  if (sizeBytes <= maxResultBytes) return frame;
  throw new FrameError(`Cannot send a result of ${sizeBytes} bytes: at most ${maxResultBytes} are allowed`);
}

function run({ operation, payload, images }: StartOrder, channel: Channel): unknown {
  const runner = runners.get(operation);
  if (runner === undefined) throw new Error(`Cannot run "${operation}": this jail has no runner for it`);
  const context: OperationContext = {
    images: images.map(({ source, sizeBytes, request }, image) => ({
      request,
      source: new PipeSource(channel, source, sizeBytes),
      openReference: (name, from) => openReference(channel, image, name, from),
    })),
    progress: (step) => channel.sendJson('progress', step),
  };
  return runner(payload, context);
}
