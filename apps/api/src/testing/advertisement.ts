import { connectRedis } from '@guestkit/core/coordination/redis/connection';
import { RedisWorkerRegistry } from '@guestkit/core/coordination/redis/worker-registry';
import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import type { Place } from './node.ts';

interface Differences {
  readonly worker_id?: string;
  readonly pool?: string;
  readonly state?: WorkerAdvertisement['status']['state'];
  readonly operations?: readonly string[];
  readonly features?: readonly string[];
}

/** What an ordinary worker announces. */
export function advertisement(differences: Differences = {}): WorkerAdvertisement {
  const { worker_id = 'worker-1', pool = 'default', state = 'ready' } = differences;
  const { operations = ['system.echo', 'guestkit.inspect'], features = [] } = differences;
  const now = new Date().toISOString();
  return {
    worker_id,
    version: '0.1.0',
    hostname: 'host-1',
    registered_at: now,
    capabilities: { operations, features, disk_formats: ['qcow2', 'raw'] },
    resources: { max_concurrent_jobs: 2, max_disk_size_gb: 100, available_disk_gb: 50, cpu_cores: 2, memory_gb: 4 },
    configuration: { privileged: false, worker_pool: pool, data_locality: [], labels: {} },
    status: { state, current_jobs: 0, last_heartbeat: now },
  };
}

/** Announces a worker where nodes look for workers, until it is disposed of. */
export async function advertise(
  { redis }: Place,
  differences: Differences = {},
): Promise<WorkerAdvertisement & AsyncDisposable> {
  const connection = await connectRedis(redis.url, { role: 'client' });
  const registry = new RedisWorkerRegistry({ connection, prefix: 'guestkit' });
  const worker = advertisement(differences);
  await registry.announce(worker, 60_000);
  return {
    ...worker,
    async [Symbol.asyncDispose]() {
      await registry.withdraw(worker.worker_id);
      await connection[Symbol.asyncDispose]();
    },
  };
}
