import { setImmediate } from 'node:timers/promises';
import { readFields } from '@guestkit/disk';
import { answerBlockStatus } from './block-status.ts';
import type { ExportedImage } from './exported-image.ts';
import type { Agreement } from './handshake.ts';
import { COMMAND, COMMAND_FLAG, LIMIT, REQUEST_HEADER, REQUEST_HEADER_SIZE, REQUEST_MAGIC } from './layout.ts';
import { answerRead } from './read.ts';
import { Reply, type Request } from './reply.ts';
import { ConnectionOver, type Wire } from './wire.ts';

/** Answers the requests of a client, one after another, until it has had enough. */
export async function transmit(wire: Wire, image: ExportedImage, agreement: Agreement): Promise<void> {
  for (;;) {
    const request = await readRequest(wire);
    if (request.type === COMMAND.disconnect) return;
    await answer(request, image, { reply: new Reply(wire, request, agreement), agreement });
    // a client that asks without end must not keep the others from being heard
    await setImmediate();
  }
}

async function readRequest(wire: Wire): Promise<Request> {
  const { magic, offset, ...fields } = readFields(await wire.read(REQUEST_HEADER_SIZE), REQUEST_HEADER);
  if (magic !== REQUEST_MAGIC) throw new ConnectionOver('a request has the wrong magic');
  if (fields.type === COMMAND.write) await skipPayload(wire, fields.length);
  return { ...fields, offset: Number(offset) };
}

async function skipPayload(wire: Wire, length: number): Promise<void> {
  if (length > LIMIT.requestBytes) throw new ConnectionOver(`a request has ${length} bytes to write`);
  await wire.skip(length);
}

interface Talk {
  readonly reply: Reply;
  readonly agreement: Agreement;
}

function answer(request: Request, image: ExportedImage, { reply, agreement }: Talk): Promise<void> {
  const known = COMMANDS.get(request.type);
  if (known === undefined) return reply.fail('EINVAL', 'no such command');
  if (known === 'refused') return reply.fail('EPERM', 'the export is read-only');
  const objection = known.objection(request, image, agreement);
  return objection === undefined ? known.answer(request, image, reply) : reply.fail('EINVAL', objection);
}

interface Command {
  /** Why a request cannot be answered, or `undefined` when it can. */
  objection(request: Request, image: ExportedImage, agreement: Agreement): string | undefined;
  answer(request: Request, image: ExportedImage, reply: Reply): Promise<void>;
}

const COMMANDS: ReadonlyMap<number, Command | 'refused'> = new Map<number, Command | 'refused'>([
  [COMMAND.read, { objection: objectionToRead, answer: answerRead }],
  [COMMAND.blockStatus, { objection: objectionToBlockStatus, answer: answerBlockStatus }],
  // nothing is ever written, and what is read is cached as it is read
  [COMMAND.flush, { objection: () => undefined, answer: (_request, _image, reply) => reply.done() }],
  [COMMAND.cache, { objection: objectionToRange, answer: (_request, _image, reply) => reply.done() }],
  [COMMAND.write, 'refused'],
  [COMMAND.trim, 'refused'],
  [COMMAND.writeZeroes, 'refused'],
]);

function objectionToRead(request: Request, image: ExportedImage, { structured }: Agreement): string | undefined {
  if (request.length > LIMIT.requestBytes) return `expected at most ${LIMIT.requestBytes} bytes`;
  const allowed = structured ? COMMAND_FLAG.dontFragment : 0;
  return objectionToFlags(request, allowed) ?? objectionToRange(request, image);
}

function objectionToBlockStatus(request: Request, image: ExportedImage, { allocation }: Agreement): string | undefined {
  if (!allocation) return 'expected base:allocation to be agreed on before';
  if (request.length === 0) return 'expected a range that is not empty';
  return objectionToFlags(request, COMMAND_FLAG.requestOne) ?? objectionToRange(request, image);
}

function objectionToFlags({ flags }: Request, allowed: number): string | undefined {
  return (flags & ~allowed) === 0 ? undefined : `flags ${flags} are set, expected at most ${allowed}`;
}

function objectionToRange({ offset, length }: Request, { source }: ExportedImage): string | undefined {
  return offset + length <= source.sizeBytes ? undefined : `the image ends at ${source.sizeBytes}`;
}
