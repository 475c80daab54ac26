import { CommandError, type Ending } from '../exit-code.ts';

export interface ApiAddress {
  readonly url: string;
  readonly apiKey?: string;
}

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** Talks to an API node: unwraps its answers, and turns its refusals into errors that say what it was about. */
export class ApiClient {
  readonly #address: ApiAddress;

  constructor(address: ApiAddress) {
    this.#address = address;
  }

  /** `action` completes "Cannot …" in what a person reads when it fails. */
  get<Answer>(action: string, path: string, query: Query = {}): Promise<Answer> {
    return this.#request<Answer>(action, { method: 'GET', path: withQuery(path, query) });
  }

  post<Answer>(action: string, path: string, body: string, mediaType = 'application/json'): Promise<Answer> {
    return this.#request<Answer>(action, { method: 'POST', path, body, mediaType });
  }

  async #request<Answer>(action: string, request: Request): Promise<Answer> {
    const response = await this.#send(action, request);
    const body: unknown = await response.json().catch(() => undefined);
    if (!response.ok) throw refusal(action, response, body);
    return unwrap(body) as Answer;
  }

  async #send(action: string, { method, path, body, mediaType }: Request): Promise<Response> {
    const { url, apiKey } = this.#address;
    const authorization = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
    const content = mediaType === undefined ? {} : { 'content-type': mediaType };
    try {
      return await fetch(new URL(path, url), { method, headers: { ...authorization, ...content }, body: body ?? null });
    } catch (cause) {
      const state = `no answer from ${url} (${reasonOf(cause)})`;
      const expected = 'expected an API node there; --url or GUESTKIT_URL names another';
      throw new CommandError('unreachable', `Cannot ${action}: ${state}, ${expected}`, { cause });
    }
  }
}

interface Request {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly mediaType?: string;
}

function withQuery(path: string, query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value ?? []].flat()) parameters.append(name, String(one));
  }
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

/** Answers of the API are wrapped in `{success, data}`; health documents are not. */
function unwrap(body: unknown): unknown {
  return typeof body === 'object' && body !== null && 'data' in body ? body.data : body;
}

const ENDING_OF_STATUS: Readonly<Record<number, Ending>> = { 404: 'not-found', 500: 'unexpected', 503: 'unreachable' };

function refusal(action: string, { status }: Response, body: unknown): CommandError {
  const problem = typeof body === 'object' && body !== null ? body : {};
  const message = 'message' in problem ? String(problem.message) : `HTTP status ${status}`;
  const ending = ENDING_OF_STATUS[status] ?? 'refused';
  return new CommandError(ending, `Cannot ${action}: ${message}`, { details: { status, ...problem } });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && 'code' in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}
