import type { RequestHandler } from 'express';
import { Problem } from '../problem.ts';
import { headerOf } from './context.ts';

/** Methods that change nothing. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);
const LOCAL_NAMES: readonly string[] = ['localhost', '127.0.0.1', '[::1]'];

/**
 * Refuses names that are not this machine's. A web page can point its own name at 127.0.0.1 and so speak to a node that listens
 * there without a key; its requests then carry that name.
 */
export function requireLocalHost(configuredHost: string): RequestHandler {
  const names = new Set([...LOCAL_NAMES, configuredHost.toLowerCase()]);
  return (request, _response, next) => {
    const name = hostNameOf(headerOf(request, 'host') ?? '');
    if (names.has(name)) return next();
    throw new Problem('forbidden', `Cannot accept a request for host "${name}": expected localhost or an API key`);
  };
}

/** Refuses what a page of another site makes a browser send: browsers add stored credentials to it. */
export const refuseCrossSite: RequestHandler = (request, _response, next) => {
  if (SAFE_METHODS.has(request.method)) return next();
  const site = headerOf(request, 'sec-fetch-site') ?? 'none';
  if (!['same-origin', 'none'].includes(site) || !isOwnOrigin(headerOf(request, 'origin'), headerOf(request, 'host'))) {
    throw new Problem('forbidden', 'Cannot accept the request: it comes from a page of another site');
  }
  next();
};

/** Browsers leave `Sec-Fetch-Site` out on plain http between machines, but not `Origin`. */
function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  return origin === undefined || URL.parse(origin)?.host === host?.toLowerCase();
}

function hostNameOf(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}
