import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** What is known of a request beside itself: names for the log and the metrics. */
export interface RequestContext {
  readonly requestId: string;
  /** By the monotonic clock. */
  readonly startedAt: number;
  /** Path pattern of the route that answers: `/api/v1/jobs/:id`. */
  route?: string;
  jobId?: string | undefined;
  correlationId?: string | undefined;
  traceId?: string | undefined;
}

const CONTEXT = Symbol('context of the request');
type Tracked = ServerResponse & { [CONTEXT]?: RequestContext };

const REQUEST_ID = /^[\w.~:+/=-]{1,128}$/;
const TRACE_PARENT = /^[\da-f]{2}-([\da-f]{32})-[\da-f]{16}-[\da-f]{2}/;

/** Begins the context of a request. An id from outside is kept when it is fit for logs and headers. */
export function openContext(request: IncomingMessage, response: ServerResponse): RequestContext {
  const given = headerOf(request, 'x-request-id');
  const context: RequestContext = {
    requestId: given !== undefined && REQUEST_ID.test(given) ? given : randomUUID(),
    startedAt: performance.now(),
    traceId: TRACE_PARENT.exec(headerOf(request, 'traceparent') ?? '')?.[1],
  };
  (response as Tracked)[CONTEXT] = context;
  return context;
}

export function contextOf(response: ServerResponse): RequestContext {
  const context = (response as Tracked)[CONTEXT];
  if (context === undefined) throw new TypeError('Cannot tell the context of a request that was not tracked');
  return context;
}

/** The first value of a header. */
export function headerOf(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}
