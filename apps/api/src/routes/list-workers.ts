import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { reach } from '../reach.ts';
import { dataAnswer, type Route } from './route.ts';

export const workerSchema = z.object({
  worker_id: z.string(),
  version: z.string(),
  hostname: z.string(),
  registered_at: z.string(),
  capabilities: z.object({
    operations: z.array(z.string()),
    features: z.array(z.string()),
    disk_formats: z.array(z.string()),
  }),
  resources: z.object({
    max_concurrent_jobs: z.int(),
    max_disk_size_gb: z.number().describe('0 for no bound'),
    available_disk_gb: z.number(),
    cpu_cores: z.int(),
    memory_gb: z.number(),
  }),
  configuration: z.object({
    privileged: z.boolean(),
    worker_pool: z.string(),
    data_locality: z.array(z.string()),
    labels: z.record(z.string(), z.string()),
  }),
  status: z.object({
    state: z.enum(['ready', 'busy', 'draining', 'offline']),
    current_jobs: z.int(),
    last_heartbeat: z.string(),
  }),
});

/** GET /api/v1/workers */
export function listWorkers({ registry }: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/workers',
    id: 'listWorkers',
    summary: 'The live workers, and what each offers',
    answers: { 200: dataAnswer('The workers', z.object({ workers: z.array(workerSchema), total: z.int() })) },
    problems: ['unavailable'],
    async handle(_request, response) {
      const workers = await reach('Redis', () => registry.list());
      sendData(response, 200, { workers, total: workers.length });
    },
  };
}
