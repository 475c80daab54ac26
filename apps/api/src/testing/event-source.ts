import type { TestClient } from './api-client.ts';

export interface ServerSentEvent {
  readonly id?: string;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into what they expect
  readonly data: any;
}

/** Reads server-sent events as a browser would, until the server ends the stream or the reader stops. */
export async function* readEvents(
  client: TestClient,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<ServerSentEvent> {
  const response = await client.fetch(path, { headers: { accept: 'text/event-stream', ...headers } });
  if (response.body === null || response.status !== 200)
    throw new Error(`Cannot read events: status ${response.status}`);
  let text = '';
  for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
    const blocks = (text + chunk).split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) if (!block.startsWith(':')) yield parse(block);
  }
}

function parse(block: string): ServerSentEvent {
  const fields = Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/s).slice(0, 2)));
  return { ...fields, data: JSON.parse(fields.data) };
}
