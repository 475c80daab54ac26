import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import * as z from 'zod';
import { sendData } from '../answer.ts';
import type { ApiParts } from '../api-parts.ts';
import { reach } from '../reach.ts';
import { dataAnswer, type Route } from './route.ts';

const offerSchema = z.object({
  worker_id: z.string(),
  operations: z.array(z.string()),
  features: z.array(z.string()),
  disk_formats: z.array(z.string()),
  max_concurrent_jobs: z.int(),
  max_disk_size_gb: z.number().describe('0 for no bound'),
});

type Offer = z.infer<typeof offerSchema>;

/** GET /api/v1/capabilities */
export function showCapabilities({ registry }: ApiParts): Route {
  return {
    method: 'get',
    path: '/api/v1/capabilities',
    id: 'getCapabilities',
    summary: 'What the live workers offer together, and each of them',
    answers: {
      200: dataAnswer('The union of all offers', offerSchema.extend({ workers: z.array(offerSchema) })),
    },
    problems: ['unavailable'],
    async handle(_request, response) {
      const workers = (await reach('Redis', () => registry.list())).map(offerOf);
      sendData(response, 200, { ...together(workers), workers });
    },
  };
}

function offerOf({ worker_id, capabilities, resources }: WorkerAdvertisement): Offer {
  const { max_concurrent_jobs, max_disk_size_gb } = resources;
  return {
    worker_id,
    operations: [...capabilities.operations],
    features: [...capabilities.features],
    disk_formats: [...capabilities.disk_formats],
    max_concurrent_jobs,
    max_disk_size_gb,
  };
}

/** The field names are those of a single worker in the protocol, so that its clients read the cluster as one. */
function together(offers: readonly Offer[]): Offer {
  const sizes = offers.map((offer) => offer.max_disk_size_gb);
  return {
    worker_id: 'cluster',
    operations: union(offers.map((offer) => offer.operations)),
    features: union(offers.map((offer) => offer.features)),
    disk_formats: union(offers.map((offer) => offer.disk_formats)),
    max_concurrent_jobs: offers.reduce((sum, offer) => sum + offer.max_concurrent_jobs, 0),
    max_disk_size_gb: sizes.includes(0) ? 0 : Math.max(0, ...sizes),
  };
}

function union(lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].sort();
}
