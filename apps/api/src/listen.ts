import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ApiConfig } from '@guestkit/core/config/api-config';

export interface Listener {
  readonly url: string;
  /** Resolves when every connection is closed; those that are still busy after the grace are cut. */
  close(): Promise<void>;
}

// longer than the usual minute of a load balancer, which must be the one to close an idle connection
const KEEP_ALIVE_MS = 65_000;
const HEADERS_MS = 15_000;
const REQUEST_MS = 60_000;
const IDLE_CHECK_MS = 50;

/** Begins to listen. @throws Error naming the address when it cannot be had */
export async function listen(
  server: Server,
  config: Pick<ApiConfig, 'host' | 'port' | 'shutdownGraceMs'>,
): Promise<Listener> {
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  const host = config.host.replace(/^\[|\]$/g, '');
  const listening = once(server, 'listening');
  server.listen(config.port, host);
  await listening.catch((cause) => {
    throw new Error(`Cannot listen on ${config.host}:${config.port}: ${reasonOf(cause)}`, { cause });
  });
  return { url: urlOf(server), close: () => close(server, config.shutdownGraceMs) };
}

async function close(server: Server, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  // a connection that was busy when the server closed is idle after its answer, and nobody else closes it
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
  const cut = setTimeout(() => server.closeAllConnections(), graceMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

function urlOf(server: Server): string {
  const { address, family, port } = server.address() as AddressInfo;
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return 'the port is in use';
  return code === undefined ? String(error) : String(code);
}
