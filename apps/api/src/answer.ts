import type { ServerResponse } from 'node:http';
import type { Problem } from './problem.ts';

/** Answers with the success wrapper of the protocol. */
export function sendData(
  response: ServerResponse,
  status: number,
  data: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendJson(response, status, { success: true, data }, headers);
}

/** Answers with the error body of the protocol. */
export function sendProblem(response: ServerResponse, problem: Problem): void {
  sendJson(response, problem.status, problem.body, problem.headers);
}

/** Straight to the socket: express' own `json` hashes each body for an ETag and asks the request for its freshness. */
export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  sendText(response, status, JSON.stringify(body), { 'content-type': 'application/json; charset=utf-8', ...headers });
}

export function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>>,
): void {
  response.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) }).end(text);
}
