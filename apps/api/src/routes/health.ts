import * as z from 'zod';
import { sendJson } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { Problem } from '../problem.ts';
import { reach } from '../reach.ts';
import { jsonAnswer, type Route } from './route.ts';

// an orchestrator's probe gives up after about three
const PROBE_TIMEOUT_MS = 2000;

const healthSchema = z.object({ status: z.literal('healthy'), timestamp: z.string() });
const readySchema = z.object({ status: z.literal('ready'), timestamp: z.string() });

export function health(parts: ApiParts): readonly Route[] {
  return [
    { ...healthy(parts, '/health/live', 'getLiveness'), summary: 'Whether the process answers at all', open: true },
    readiness(parts),
    healthy(parts, '/health', 'getHealth'),
    healthy(parts, '/api/v1/health', 'getApiHealth'),
  ];
}

function healthy({ clock }: ApiParts, path: string, id: string): Route {
  return {
    method: 'get',
    path,
    id,
    summary: 'Whether the node answers',
    answers: { 200: jsonAnswer('It does', healthSchema) },
    handle(_request, response) {
      sendJson(response, 200, { status: 'healthy', timestamp: new Date(clock()).toISOString() });
    },
  };
}

function readiness({ clock, probes, stopping }: ApiParts): Route {
  return {
    method: 'get',
    path: '/health/ready',
    id: 'getReadiness',
    summary: 'Whether the node should be sent requests',
    answers: { 200: jsonAnswer('It should', readySchema) },
    problems: ['unavailable'],
    async handle(_request, response) {
      const reasons = stopping.aborted ? { node: 'is stopping' } : await failures(probes);
      if (Object.keys(reasons).length > 0) {
        const list = Object.entries(reasons).map(([name, reason]) => `${name} ${reason}`);
        throw new Problem('unavailable', `Cannot serve requests: ${list.join(', ')}`, { details: { reasons } });
      }
      sendJson(response, 200, { status: 'ready', timestamp: new Date(clock()).toISOString() });
    },
  };
}

/** Says what cannot be reached, and not why: the cause may name hosts and paths. */
async function failures(probes: ApiParts['probes']): Promise<Readonly<Record<string, string>>> {
  const names = Object.keys(probes);
  const outcomes = await Promise.allSettled(
    Object.entries(probes).map(([name, probe]) => reach(name, probe, PROBE_TIMEOUT_MS)),
  );
  const failed = names.filter((_name, index) => outcomes[index]?.status === 'rejected');
  return Object.fromEntries(failed.map((name) => [name, 'cannot be reached']));
}
