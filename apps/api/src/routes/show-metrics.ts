import * as z from 'zod';
import { sendText } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { reach } from '../reach.ts';
import type { Route } from './route.ts';

// a scrape is worth more without a gauge than not at all
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
      await reach('the database', () => countDeadLetters(parts), GAUGE_TIMEOUT_MS).catch(() =>
        metrics.openDeadLetters.reset(),
      );
      sendText(response, 200, await metrics.registry.metrics(), { 'content-type': metrics.registry.contentType });
    },
  };
}

async function countWorkers({ registry, metrics }: ApiParts): Promise<void> {
  metrics.workersAlive.set((await registry.list()).length);
}

async function countDeadLetters({ history, metrics, config }: ApiParts): Promise<void> {
  const counts = await history.countDeadLetters({ tenant: config.tenant, state: ['open'] });
  // of a class that has none any more, the old number must not stay
  metrics.openDeadLetters.reset();
  for (const [errorClass, letters] of counts) metrics.openDeadLetters.set({ class: errorClass }, letters);
}
