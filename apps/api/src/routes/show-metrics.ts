import * as z from 'zod';
import { sendText } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { reach } from '../reach.ts';
import type { Route } from './route.ts';

// a scrape is worth more without one gauge than not at all
const GAUGE_TIMEOUT_MS = 1000;

/** GET /metrics */
export function showMetrics(parts: ApiParts): Route {
  const { metrics } = parts;
  return {
    method: 'get',
    path: '/metrics',
    id: 'getMetrics',
    summary: 'Metrics of this node in the Prometheus text format',
    answers: { 200: { meaning: 'The metrics', content: { 'text/plain': z.string() } } },
    async handle(_request, response) {
      await reach('Redis', () => countWorkers(parts), GAUGE_TIMEOUT_MS).catch(() =>
        metrics.workersAlive.set(Number.NaN),
      );
      sendText(response, 200, await metrics.registry.metrics(), { 'content-type': metrics.registry.contentType });
    },
  };
}

async function countWorkers({ registry, metrics }: ApiParts): Promise<void> {
  metrics.workersAlive.set((await registry.list()).length);
}
