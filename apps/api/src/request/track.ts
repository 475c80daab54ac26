import type { Request, RequestHandler, Response } from 'express';
import type { ApiParts } from '../api-parts.ts';
import { contextOf, openContext, type RequestContext } from './context.ts';

// asked every few seconds by orchestrators and scrapers
const PROBES: ReadonlySet<string | undefined> = new Set(['/health', '/health/live', '/health/ready', '/metrics']);

type Telemetry = Pick<ApiParts, 'logger' | 'metrics'>;

/** Names every request, and tells the log and the metrics how it ended. */
export function trackRequests(telemetry: Telemetry): RequestHandler {
  return (request, response, next) => {
    const { requestId } = openContext(request, response);
    response.setHeader('x-request-id', requestId);
    response.once('close', () => report(telemetry, request, response));
    next();
  };
}

/** How a request is called on every log line about it. */
export function namesOf({ requestId, jobId, correlationId, traceId }: RequestContext) {
  return { request_id: requestId, job_id: jobId, correlation_id: correlationId, trace_id: traceId };
}

function report({ logger, metrics }: Telemetry, request: Request, response: Response): void {
  const context = contextOf(response);
  const { method } = request;
  const { route = 'unknown' } = context;
  const status = response.statusCode;
  const durationMs = performance.now() - context.startedAt;
  metrics.requests.inc({ method, route, status });
  metrics.requestDuration.observe({ method, route }, durationMs / 1000);
  const facts = {
    ...namesOf(context),
    method,
    // routers shorten `url` on their way; the query may hold what the log should not
    path: (request.originalUrl ?? request.url).split('?', 1)[0],
    status,
    duration_ms: Math.round(durationMs * 10) / 10,
    ...(!response.writableFinished && { aborted: true }),
  };
  if (PROBES.has(context.route)) logger.debug(facts, 'request');
  else logger.info(facts, 'request');
}
