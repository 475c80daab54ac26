import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import { renderTable } from '@guestkit/operations/report/table';
import { print } from '../output/print.ts';
import { ApiClient } from './api-client.ts';
import type { ClientOptions } from './guestkit-worker.ts';

interface WorkerList {
  readonly workers: readonly WorkerAdvertisement[];
}

export async function workers(options: ClientOptions): Promise<void> {
  const live = await new ApiClient(options).get<WorkerList>('list workers', '/api/v1/workers');
  await print(options.output, live, render);
}

function render({ workers }: WorkerList): string {
  if (workers.length === 0) return 'No live workers\n';
  return renderTable<WorkerAdvertisement>(
    [
      { title: 'WORKER', cell: (worker) => worker.worker_id },
      { title: 'STATE', cell: (worker) => worker.status.state },
      { title: 'JOBS', cell: ({ status, resources }) => `${status.current_jobs}/${resources.max_concurrent_jobs}` },
      { title: 'POOL', cell: (worker) => worker.configuration.worker_pool },
      { title: 'HOST', cell: (worker) => worker.hostname },
      { title: 'VERSION', cell: (worker) => worker.version },
      { title: 'HEARTBEAT', cell: (worker) => worker.status.last_heartbeat },
    ],
    workers,
  );
}
