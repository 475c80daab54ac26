import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { WorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';

export interface MetricsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly registry: WorkerMetrics['registry'];
  /** What is wrong with the worker at present. */
  readonly faults: () => readonly string[];
  /** Whether it takes jobs, or would: not while it starts or drains. */
  readonly isClaiming: () => boolean;
}

export interface MetricsServer extends AsyncDisposable {
  readonly url: string;
}

type Answer = { readonly status: number; readonly type: string; readonly body: string };

/**
 * Serves `/metrics`; `/health/live`, that the process answers; `/health`, with 503 while something is wrong; and `/health/ready`,
 * with 503 also while the worker starts or drains. @throws Error when the address cannot be had
 */
export async function serveMetrics(options: MetricsServerOptions): Promise<MetricsServer> {
  const { host, port } = options;
  const server = createServer((request, response) => void respond(request, response, options));
  const listening = once(server, 'listening');
  server.listen(port, host);
  await listening.catch((cause) => {
    throw new Error(`Cannot serve metrics on ${host}:${port}: ${cause.code ?? cause}`, { cause });
  });
  return { url: urlOf(server), [Symbol.asyncDispose]: () => close(server) };
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  options: MetricsServerOptions,
): Promise<void> {
  const { status, type, body } = await answerTo(request.url?.split('?')[0], options);
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body);
}

async function answerTo(path: string | undefined, options: MetricsServerOptions): Promise<Answer> {
  const { registry, faults, isClaiming } = options;
  if (path === '/metrics') return { status: 200, type: registry.contentType, body: await registry.metrics() };
  if (path === '/health/live') return health([]);
  if (path === '/health') return health(faults());
  if (path === '/health/ready') return health(isClaiming() ? faults() : ['The worker starts or drains']);
  return json(404, { error: 'NOT_FOUND', message: 'Only /metrics and /health, /health/live, /health/ready are here' });
}

function health(faults: readonly string[]): Answer {
  return faults.length === 0 ? json(200, { status: 'healthy' }) : json(503, { status: 'unhealthy', faults });
}

function json(status: number, body: object): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) };
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeAllConnections();
  await closed;
}
