import { type ApiDescription, expectDescribed } from './contract.ts';

export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as it is when it is text, as JSON otherwise. */
  readonly body?: unknown;
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers, whose shape the contract has checked
  readonly body: any;
}

/** Calls an API as a client would, and fails where an answer is not as the API describes itself. */
export class TestClient {
  readonly url: string;
  readonly #headers: Readonly<Record<string, string>>;
  #description: Promise<ApiDescription> | undefined;

  constructor(url: string, headers: Readonly<Record<string, string>> = {}) {
    this.url = url;
    this.#headers = headers;
  }

  get(path: string, options?: CallOptions): Promise<Reply> {
    return this.call('GET', path, options);
  }

  post(path: string, body?: unknown, options: CallOptions = {}): Promise<Reply> {
    return this.call('POST', path, { ...options, body });
  }

  /** Posts a job document, of which the least is given. */
  submit(members: object = {}): Promise<Reply> {
    return this.post('/api/v1/jobs', { operation: 'system.echo', payload: { data: { ping: 1 } }, ...members });
  }

  async call(method: string, path: string, { headers = {}, body }: CallOptions = {}): Promise<Reply> {
    const response = await this.fetch(path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const [mediaType = ''] = (response.headers.get('content-type') ?? '').split(';');
    const text = await response.text();
    const content: unknown = mediaType === 'application/json' ? JSON.parse(text) : text;
    const { status } = response;
    if (method !== 'HEAD') expectDescribed(await this.describe(), { method, path, status, mediaType, body: content });
    return { status, headers: response.headers, body: content };
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(new URL(path, this.url), { ...init, headers: { ...this.#headers, ...Object(init.headers) } });
  }

  describe(): Promise<ApiDescription> {
    this.#description ??= this.fetch('/api/v1/openapi.json').then(
      (response) => response.json() as Promise<ApiDescription>,
    );
    return this.#description;
  }
}
