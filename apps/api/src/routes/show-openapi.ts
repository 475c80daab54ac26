import * as z from 'zod';
import manifest from '../../package.json' with { type: 'json' };
import { sendText } from '../answer.ts';
import { BOARD_PAGE } from '../board-page.ts';
import { describeApi } from '../openapi/describe.ts';
import { jsonAnswer, type Route } from './route.ts';

/** GET /api/v1/openapi.json, of all routes: itself too. */
export function showOpenapi(others: readonly Route[]): Route {
  const route: Route = {
    method: 'get',
    path: '/api/v1/openapi.json',
    id: 'getOpenapi',
    summary: 'This description',
    answers: { 200: jsonAnswer('OpenAPI 3.1', z.record(z.string(), z.unknown())) },
    handle(_request, response) {
      text ??= JSON.stringify(describeApi([...others, route, BOARD_PAGE], manifest.version));
      sendText(response, 200, text, { 'content-type': 'application/json; charset=utf-8' });
    },
  };
  let text: string | undefined;
  return route;
}
