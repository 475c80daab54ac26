import { keyTest } from '@guestkit/core/security/api-key';
import type { Request, RequestHandler } from 'express';
import { Problem } from '../problem.ts';
import { headerOf } from './context.ts';

/** How a client is asked for the key: browsers know only how to answer `Basic`. */
export type Challenge = 'Bearer' | 'Basic';

/** Lets pass who shows the key: `Authorization: Bearer KEY`, `X-API-Key: KEY`, or the key as the password of HTTP Basic. */
export function authenticate(apiKey: string, challenge: Challenge): RequestHandler {
  const isKey = keyTest(apiKey);
  return (request, _response, next) => {
    const given = keyOf(request);
    if (given !== undefined && isKey(given)) return next();
    const state = given === undefined ? 'no API key is given' : 'the API key is wrong';
    throw new Problem('unauthorized', `Cannot accept the request: ${state}`, {
      headers: { 'www-authenticate': `${challenge} realm="guestkit", charset="UTF-8"` },
    });
  };
}

function keyOf(request: Request): string | undefined {
  const [, scheme, credentials = ''] = /^(bearer|basic) +(.+)$/i.exec(headerOf(request, 'authorization') ?? '') ?? [];
  if (scheme === undefined) return headerOf(request, 'x-api-key');
  return scheme.toLowerCase() === 'bearer' ? credentials : passwordOf(credentials);
}

/** Any user name will do. */
function passwordOf(credentials: string): string | undefined {
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon < 0 ? undefined : pair.slice(colon + 1);
}
