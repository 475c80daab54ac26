import type { QueueName } from '../queue/job-queue.ts';

/** In the order in which the queues come up. */
export function byQueue<Item extends QueueName>(items: readonly Item[]): readonly (readonly [QueueName, Item[]])[] {
  return [...Map.groupBy(items, ({ tenant, pool }) => JSON.stringify([tenant, pool])).values()].map((group) => {
    const [{ tenant, pool } = { tenant: '', pool: '' }] = group;
    return [{ tenant, pool }, group] as const;
  });
}
