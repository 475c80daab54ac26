import { readFields } from '@guestkit/disk';
import {
  blockSizeInfo,
  countedText,
  exportInfo,
  exportNameReply,
  greeting,
  join,
  optionReply,
  textInfo,
  u32,
} from './encode.ts';
import { type ExportedImage, transmissionFlags } from './exported-image.ts';
import {
  ALLOCATION_CONTEXT,
  HANDSHAKE_FLAG,
  INFO,
  LIMIT,
  OPTION,
  OPTION_ERROR,
  OPTION_HEADER,
  OPTION_HEADER_SIZE,
  OPTION_MAGIC,
  OPTION_REPLY,
} from './layout.ts';
import { type MetaContextRequest, parseInfoRequest, parseMetaContextRequest } from './option-data.ts';
import { ConnectionOver, type Wire } from './wire.ts';

/** What client and server agreed on. */
export interface Agreement {
  /** Reads are answered in chunks, so that holes need not be sent and errors have their place. */
  readonly structured: boolean;
  /** The client may ask which ranges are stored. */
  readonly allocation: boolean;
}

/** Greets a client and answers its options. @returns `undefined` when the client wants no more */
export async function negotiate(wire: Wire, image: ExportedImage): Promise<Agreement | undefined> {
  await wire.write(greeting());
  const handshake = new Handshake(wire, image, await readClientFlags(wire));
  for (let count = 0; count < LIMIT.options; count++) {
    const step = await handshake.answer(await readOption(wire));
    if (step === 'abort') return undefined;
    if (step === 'transmission') return handshake.agreement;
  }
  throw new ConnectionOver(`the client sent ${LIMIT.options} options and chose nothing`);
}

async function readClientFlags(wire: Wire): Promise<number> {
  const flags = (await wire.read(4)).readUInt32BE();
  const known = HANDSHAKE_FLAG.fixedNewstyle | HANDSHAKE_FLAG.noZeroes;
  if ((flags & ~known) !== 0) throw new ConnectionOver(`the client wants flags ${flags}, expected at most ${known}`);
  return flags;
}

interface ReceivedOption {
  readonly option: number;
  /** `undefined` when it was longer than any that we understand. */
  readonly data: Buffer | undefined;
}

async function readOption(wire: Wire): Promise<ReceivedOption> {
  const { magic, option, length } = readFields(await wire.read(OPTION_HEADER_SIZE), OPTION_HEADER);
  if (magic !== OPTION_MAGIC) throw new ConnectionOver('an option has the wrong magic');
  if (length <= LIMIT.optionBytes) return { option, data: await wire.read(length) };
  if (length > LIMIT.requestBytes) throw new ConnectionOver(`an option has ${length} bytes`);
  await wire.skip(length);
  return { option, data: undefined };
}

type Step = 'next' | 'transmission' | 'abort';
type Answer = (handshake: Handshake, data: Buffer, option: number) => Promise<Step>;

const ANSWERS: ReadonlyMap<number, Answer> = new Map<number, Answer>([
  [OPTION.exportName, (handshake, data) => handshake.chooseByName(data)],
  [OPTION.abort, (handshake) => handshake.abort()],
  [OPTION.list, (handshake, data) => handshake.list(data)],
  [OPTION.startTls, (handshake, _, option) => handshake.refuse(option, 'policy', 'the socket is private to its user')],
  [OPTION.info, (handshake, data, option) => handshake.inform(option, data)],
  [OPTION.go, (handshake, data, option) => handshake.inform(option, data)],
  [OPTION.structuredReply, (handshake, data) => handshake.agreeOnChunks(data)],
  [OPTION.listMetaContext, (handshake, data) => handshake.listContexts(data)],
  [OPTION.setMetaContext, (handshake, data) => handshake.setContexts(data)],
]);

class Handshake {
  readonly #wire: Wire;
  readonly #image: ExportedImage;
  readonly #padded: boolean;
  #structured = false;
  #allocation = false;

  constructor(wire: Wire, image: ExportedImage, clientFlags: number) {
    this.#wire = wire;
    this.#image = image;
    this.#padded = (clientFlags & HANDSHAKE_FLAG.noZeroes) === 0;
  }

  get agreement(): Agreement {
    return { structured: this.#structured, allocation: this.#allocation };
  }

  answer({ option, data }: ReceivedOption): Promise<Step> {
    const answer = ANSWERS.get(option);
    if (answer === undefined) return this.refuse(option, 'unsupported', 'no such option');
    if (data === undefined) return this.refuse(option, 'tooBig', `expected at most ${LIMIT.optionBytes} bytes`);
    return answer(this, data, option);
  }

  async refuse(option: number, error: keyof typeof OPTION_ERROR, reason: string): Promise<Step> {
    return this.#reply(option, OPTION_ERROR[error], Buffer.from(reason));
  }

  /** The old way in, which leaves no way to refuse but to hang up. */
  async chooseByName(name: Buffer): Promise<Step> {
    if (name.toString() !== this.#image.name) throw new ConnectionOver('there is no such export');
    const flags = transmissionFlags(this.#structured);
    await this.#wire.write(exportNameReply(this.#image.source.sizeBytes, flags, this.#padded));
    return 'transmission';
  }

  async abort(): Promise<Step> {
    await this.#acknowledge(OPTION.abort);
    return 'abort';
  }

  async list(data: Buffer): Promise<Step> {
    if (data.length > 0) return this.refuse(OPTION.list, 'invalid', 'expected no data');
    await this.#reply(OPTION.list, OPTION_REPLY.server, countedText(this.#image.name));
    return this.#acknowledge(OPTION.list);
  }

  /** INFO and GO differ only in what comes next. */
  async inform(option: number, data: Buffer): Promise<Step> {
    const request = parseInfoRequest(data);
    if (request === undefined) return this.refuse(option, 'invalid', 'data contradicts itself');
    if (request.name !== this.#image.name) return this.refuse(option, 'unknown', 'there is no such export');
    for (const info of this.#infos(request.kinds)) await this.#reply(option, OPTION_REPLY.info, info);
    await this.#acknowledge(option);
    return option === OPTION.go ? 'transmission' : 'next';
  }

  async agreeOnChunks(data: Buffer): Promise<Step> {
    if (data.length > 0) return this.refuse(OPTION.structuredReply, 'invalid', 'expected no data');
    this.#structured = true;
    return this.#acknowledge(OPTION.structuredReply);
  }

  async listContexts(data: Buffer): Promise<Step> {
    return this.#answerContexts(OPTION.listMetaContext, data, ({ queries }) => {
      // a namespace alone asks for all that is in it
      return queries.length === 0 || queries.some((query) => query === 'base:' || query === ALLOCATION_CONTEXT.name);
    });
  }

  /** What is asked for last is what holds. */
  async setContexts(data: Buffer): Promise<Step> {
    this.#allocation = false;
    return this.#answerContexts(OPTION.setMetaContext, data, ({ queries }) => {
      this.#allocation = queries.includes(ALLOCATION_CONTEXT.name);
      return this.#allocation;
    });
  }

  async #answerContexts(option: number, data: Buffer, isWanted: (request: MetaContextRequest) => boolean) {
    if (!this.#structured) return this.refuse(option, 'invalid', 'expected structured replies to be agreed on before');
    const request = parseMetaContextRequest(data);
    if (request === undefined) return this.refuse(option, 'invalid', 'data contradicts itself');
    if (request.name !== this.#image.name) return this.refuse(option, 'unknown', 'there is no such export');
    const { id, name } = ALLOCATION_CONTEXT;
    if (isWanted(request)) await this.#reply(option, OPTION_REPLY.metaContext, join(u32(id), Buffer.from(name)));
    return this.#acknowledge(option);
  }

  #infos(kinds: readonly number[]): readonly Buffer[] {
    const { source, name, description } = this.#image;
    return [
      exportInfo(source.sizeBytes, transmissionFlags(this.#structured)),
      blockSizeInfo(),
      ...(kinds.includes(INFO.name) ? [textInfo(INFO.name, name)] : []),
      ...(kinds.includes(INFO.description) && description !== undefined
        ? [textInfo(INFO.description, description)]
        : []),
    ];
  }

  #acknowledge(option: number): Promise<Step> {
    return this.#reply(option, OPTION_REPLY.ack);
  }

  async #reply(option: number, type: number, payload?: Uint8Array): Promise<Step> {
    await this.#wire.write(optionReply(option, type, payload));
    return 'next';
  }
}
