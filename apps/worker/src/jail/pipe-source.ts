import type { ByteSource } from '@guestkit/disk';
import { DiskError, type DiskErrorKind } from '@guestkit/disk/error';
import type { Channel } from './channel.ts';
import { decodeJson, encodeRead, type Frame, FrameError, MAX_READ_BYTES } from './frame.ts';

/** What a supervisor answers in place of bytes or an opened reference. */
export interface Fault {
  readonly kind: DiskErrorKind;
  readonly message: string;
}

/** An image, or one of its references, read by asking the supervisor. */
export class PipeSource implements ByteSource {
  readonly sizeBytes: number;
  readonly #channel: Channel;
  readonly #source: number;

  constructor(channel: Channel, source: number, sizeBytes: number) {
    this.#channel = channel;
    this.#source = source;
    this.sizeBytes = sizeBytes;
  }

  read(offset: number, length: number): Uint8Array {
    if (offset < 0 || length < 0 || offset + length > this.sizeBytes) {
      throw new DiskError('corrupt', `Cannot read ${length} bytes: the image has ${this.sizeBytes}`, { offset });
    }
    if (length <= MAX_READ_BYTES) return this.#ask(offset, length);
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += MAX_READ_BYTES) {
      bytes.set(this.#ask(offset + at, Math.min(MAX_READ_BYTES, length - at)), at);
    }
    return bytes;
  }

  #ask(offset: number, length: number): Uint8Array {
    this.#channel.send(encodeRead({ source: this.#source, offset, length }));
    return expectAnswer(this.#channel.receive(), 'bytes').body;
  }
}

/** Asks the supervisor to open what an image names. @throws DiskError as the policy decides */
export function openReference(channel: Channel, image: number, name: string, from: number): ByteSource {
  channel.sendJson('open', { image, name, from });
  const { source, sizeBytes } = decodeJson(expectAnswer(channel.receive(), 'opened')) as OpenedReference;
  return new PipeSource(channel, source, sizeBytes);
}

export interface OpenedReference {
  readonly source: number;
  readonly sizeBytes: number;
}

function expectAnswer(frame: Frame, expected: 'bytes' | 'opened'): Frame {
  if (frame.type === expected) return frame;
  if (frame.type !== 'fault') throw new FrameError(`Cannot go on: got a ${frame.type} frame, expected ${expected}`);
  const { kind, message } = decodeJson(frame) as Fault;
  throw new DiskError(kind, message);
}
