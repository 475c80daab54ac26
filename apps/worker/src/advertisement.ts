import { readFileSync } from 'node:fs';
import { mkdir, statfs } from 'node:fs/promises';
import { availableParallelism, hostname, totalmem } from 'node:os';
import type { WorkerConfig } from '@guestkit/core/config/worker-config';
import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import { timestampOf } from '@guestkit/core/job/timestamp';
import { IMAGE_FORMAT_NAMES } from '@guestkit/disk';
import { probeFeatures } from './features.ts';

const GB = 1e9;

const { version }: { version: string } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));

export type WorkerState = WorkerAdvertisement['status']['state'];

export type Advertiser = (state: WorkerState, currentJobs: number) => Promise<WorkerAdvertisement>;

/** Puts together what a worker offers: most of it once, the rest anew for every heartbeat. */
export async function prepareAdvertisement(config: WorkerConfig, operations: readonly string[]): Promise<Advertiser> {
  const identity = {
    worker_id: config.workerId,
    version,
    hostname: hostname(),
    registered_at: timestampOf(Date.now()),
    capabilities: { operations, features: await probeFeatures(), disk_formats: IMAGE_FORMAT_NAMES },
    configuration: {
      privileged: config.privileged,
      worker_pool: config.pool,
      data_locality: config.dataLocality,
      labels: config.labels,
    },
  };
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  return async (state, current_jobs) => ({
    ...identity,
    resources: await measureResources(config),
    status: { state, current_jobs, last_heartbeat: timestampOf(Date.now()) },
  });
}

async function measureResources({
  slots,
  maxDiskSizeGb,
  dataDir,
}: WorkerConfig): Promise<WorkerAdvertisement['resources']> {
  const { bavail, bsize } = await statfs(dataDir);
  return {
    max_concurrent_jobs: slots,
    max_disk_size_gb: maxDiskSizeGb,
    available_disk_gb: Math.floor((bavail * bsize) / GB),
    cpu_cores: availableParallelism(),
    memory_gb: Math.round(memoryBytes() / GB),
  };
}

/** What a container may use, where it is bounded. */
function memoryBytes(): number {
  const bound = process.constrainedMemory();
  return bound > 0 ? Math.min(bound, totalmem()) : totalmem();
}
