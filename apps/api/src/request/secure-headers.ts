import type { Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';

const COMMON = {
  // TLS ends in front of this node, and whoever ends it speaks of it
  strictTransportSecurity: false,
  referrerPolicy: { policy: 'no-referrer' },
} as const;

/** Answers of the API are data: no browser has anything to load or run from them. */
export function secureApi(): RequestHandler {
  return always(
    helmet({
      ...COMMON,
      contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
    }),
  );
}

/** Bull Board is a page: its scripts and styles come from this node, some styles from within the page. */
export function secureBoard(): RequestHandler {
  return always(
    helmet({
      ...COMMON,
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'self'"],
          baseUri: ["'self'"],
          formAction: ["'self'"],
          frameAncestors: ["'none'"],
          imgSrc: ["'self'", 'data:'],
          objectSrc: ["'none'"],
          // its fonts would come from a third party, who would learn of every visit: the browser's own serve as well
          styleSrc: ["'self'", "'unsafe-inline'"],
        },
      },
    }),
  );
}

/** Asks once which headers are set: they do not depend on the request, and putting them together anew for each costs more than its route. */
function always(setHeaders: RequestHandler): RequestHandler {
  const headers: (readonly [name: string, value: string])[] = [];
  const recorder = {
    setHeader: (name: string, value: string) => headers.push([name, value]),
    removeHeader: () => {},
  };
  setHeaders({} as Request, recorder as unknown as Response, () => {});
  return (_request, response, next) => {
    for (const [name, value] of headers) response.setHeader(name, value);
    next();
  };
}
