import type { RequestListener } from 'node:http';
import { isLoopback } from '@guestkit/core/config/api-config';
import express, { type ErrorRequestHandler, type Express, type RequestHandler, Router } from 'express';
import { sendProblem } from './answer.ts';
import type { ApiParts } from './api-parts.ts';
import { BOARD_PAGE } from './board-page.ts';
import { fastLane } from './fast-lane.ts';
import { Problem, problemOf } from './problem.ts';
import { authenticate, type Challenge } from './request/authenticate.ts';
import { contextOf } from './request/context.ts';
import { refuseCrossSite, requireLocalHost, SAFE_METHODS } from './request/guard.ts';
import { secureApi, secureBoard } from './request/secure-headers.ts';
import { namesOf, trackRequests } from './request/track.ts';
import { apiRoutes } from './routes/catalogue.ts';
import type { Route } from './routes/route.ts';

/** The HTTP face of an API node: every request is named, guarded, answered, and told to log and metrics. */
export function createListener(parts: ApiParts): RequestListener {
  const routes = apiRoutes(parts);
  const app = createApp(parts, routes);
  const steps = [trackRequests(parts), secureApi(), ...guards(parts, 'Bearer')];
  const busy = routes
    .filter((route) => route.busy)
    .map(
      (route) =>
        [`${route.method.toUpperCase()} ${route.path}`, fastLane(route, steps, answerProblems(parts))] as const,
    );
  const lanes = new Map<string, RequestListener>(busy);
  return (request, response) => (lanes.get(`${request.method} ${request.url}`) ?? app)(request, response);
}

export function createApp(parts: ApiParts, routes: readonly Route[] = apiRoutes(parts)): Express {
  const app = express();
  app.disable('x-powered-by');
  app.set('etag', false);
  app.use(trackRequests(parts));
  app.use(
    BOARD_PAGE.path,
    named(BOARD_PAGE.path),
    secureBoard(),
    guards(parts, 'Basic'),
    touchable(parts),
    parts.board,
  );
  app.use(secureApi());
  app.use(routerOf(routes.filter((route) => route.open)));
  app.use(guards(parts, 'Bearer'));
  app.use(routerOf(routes.filter((route) => !route.open)));
  app.use(refuseUnknown);
  app.use(answerProblems(parts));
  return app;
}

function guards({ config: { apiKey, host } }: ApiParts, challenge: Challenge): RequestHandler[] {
  if (apiKey !== undefined) return [refuseCrossSite, authenticate(apiKey, challenge)];
  // a node that serves everyone cannot know by which names it goes
  return isLoopback(host) ? [refuseCrossSite, requireLocalHost(host)] : [refuseCrossSite];
}

/** Bull Board refuses to touch queues by itself when it is read-only; this does not depend on its doing so for every action. */
function touchable({ config }: ApiParts): RequestHandler {
  return ({ method }, _response, next) => {
    if (!config.boardReadOnly || SAFE_METHODS.has(method)) return next();
    throw new Problem('forbidden', 'Cannot change anything: the board is read-only, see --board-read-only');
  };
}

function routerOf(routes: readonly Route[]): Router {
  const router = Router();
  for (const [path, group] of Map.groupBy(routes, (route) => route.path)) {
    const methods = group.map((route) => route.method);
    for (const { method, handle } of group) router[method](path, named(path), handle);
    router.all(path, refuseMethod(methods));
  }
  return router;
}

/** Notes for log and metrics which route answers. */
function named(route: string): RequestHandler {
  return (_request, response, next) => {
    contextOf(response).route = route;
    next();
  };
}

function refuseMethod(methods: readonly Route['method'][]): RequestHandler {
  const allow = methods.flatMap((method) => (method === 'get' ? ['GET', 'HEAD'] : ['POST'])).join(', ');
  return ({ method }) => {
    throw new Problem('method-not-allowed', `Cannot ${method} this address: expected ${allow}`, { headers: { allow } });
  };
}

const refuseUnknown: RequestHandler = () => {
  throw new Problem('not-found', 'Cannot find this address: GET /api/v1/openapi.json lists those there are');
};

/** express knows an error handler by its four parameters. */
function answerProblems({ logger }: ApiParts): ErrorRequestHandler {
  return (error, _request, response, _next) => {
    const problem = problemOf(error);
    const names = namesOf(contextOf(response));
    if (problem.kind === 'internal') logger.error({ ...names, err: error }, 'request failed');
    else if (problem.kind === 'unavailable') logger.warn({ ...names, err: problem.cause }, problem.message);
    // an answer already under way can only be broken off
    if (response.headersSent) response.destroy();
    else sendProblem(response, problem);
  };
}
