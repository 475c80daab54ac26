import type { LookupAddress } from 'node:dns';
import { Agent as HttpAgent, type IncomingMessage, request as requestHttp } from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { shownAddress } from './address.ts';
import type { NetworkGuard } from './network-guard.ts';
import { RemoteError } from './remote-error.ts';
import type { RangeAnswer, RangeRequest, Transport } from './transport.ts';

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** What the target of an earlier redirect answers when its signature has run out. */
const EXPIRED: ReadonlySet<number> = new Set([400, 401, 403, 404, 410]);

/** Asks a web server, and whatever it redirects to, as far as the guard admits each. */
export class HttpTransport implements Transport {
  readonly #origin: URL;
  readonly #guard: NetworkGuard;
  readonly #agents = { 'http:': new HttpAgent({ keepAlive: true }), 'https:': new HttpsAgent({ keepAlive: true }) };
  /** Where redirects led last. */
  #target: URL;

  constructor(url: URL, guard: NetworkGuard) {
    this.#origin = url;
    this.#target = url;
    this.#guard = guard;
  }

  async get(request: RangeRequest): Promise<RangeAnswer> {
    const answer = await this.#follow(this.#target, request);
    if (this.#target === this.#origin || !EXPIRED.has(answer.status)) return answer;
    answer.discard();
    this.#target = this.#origin;
    return this.#follow(this.#origin, request);
  }

  [Symbol.dispose](): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #follow(start: URL, request: RangeRequest): Promise<RangeAnswer> {
    let url = start;
    for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
      const message = await this.#ask(url, request);
      const next = redirectOf(message, url);
      if (next === undefined) {
        this.#target = hop === 0 ? start : url;
        return answerOf(message);
      }
      message.destroy();
      url = next;
    }
    throw new RemoteError('malformed', `Cannot read on: the server redirects more than ${MAX_REDIRECTS} times`);
  }

  async #ask(url: URL, { start, last, version, signal, meter }: RangeRequest): Promise<IncomingMessage> {
    const lookup = lookupOf(await this.#guard.admit(url));
    meter.countRequest();
    const answered = Promise.withResolvers<IncomingMessage>();
    const isTls = url.protocol === 'https:';
    const headers = {
      // compressed, the offsets would be those of something else
      'accept-encoding': 'identity',
      'user-agent': 'guestkit',
      range: `bytes=${start}-${last}`,
      ...(version && conditionOf(version)),
    };
    const agent = this.#agents[isTls ? 'https:' : 'http:'];
    const send = isTls ? requestHttps : requestHttp;
    send(url, { agent, lookup, headers, signal }).on('response', answered.resolve).on('error', answered.reject).end();
    return answered.promise;
  }
}

/** Lets a connection go nowhere but to addresses that were judged. */
function lookupOf(addresses: readonly LookupAddress[]): LookupFunction {
  const [{ address, family } = { address: '', family: 0 }] = addresses;
  return (_name, options, done) => (options.all ? done(null, [...addresses]) : done(null, address, family));
}

/** A server that looks at it answers 412 once the object is another. */
function conditionOf({ etag, lastModified }: RangeAnswerVersion): Readonly<Record<string, string>> {
  if (etag !== undefined && !etag.startsWith('W/')) return { 'if-match': etag };
  return lastModified === undefined ? {} : { 'if-unmodified-since': lastModified };
}

type RangeAnswerVersion = Pick<RangeAnswer, 'etag' | 'lastModified'>;

function redirectOf({ statusCode = 0, headers }: IncomingMessage, from: URL): URL | undefined {
  if (!REDIRECTS.has(statusCode)) return undefined;
  const url = URL.parse(headers.location ?? '', from);
  const refuse = (reason: string) => new RemoteError('denied', `Cannot follow a redirect: ${reason}`);
  if (headers.location === undefined || url === null) throw refuse('it names no address');
  if (url.protocol !== 'https:' && url.protocol !== from.protocol) {
    throw refuse(`"${shownAddress(url.href)}" is less protected than where it comes from`);
  }
  if (url.username !== '' || url.password !== '') throw refuse('its address holds a user name or password');
  return url;
}

function answerOf(message: IncomingMessage): RangeAnswer {
  const { statusCode = 0, headers } = message;
  const length = Number(headers['content-length']);
  return {
    status: statusCode,
    etag: headers.etag,
    lastModified: headers['last-modified'],
    contentRange: headers['content-range'],
    contentEncoding: headers['content-encoding'],
    contentLength: Number.isSafeInteger(length) ? length : undefined,
    retryAfter: headers['retry-after'],
    body: message,
    discard: () => void message.destroy(),
  };
}
