/** What a worker offers and how it fares (protocol section 8). Sizes as the field names say. */
export interface WorkerAdvertisement {
  readonly worker_id: string;
  readonly version: string;
  readonly hostname: string;
  readonly registered_at: string;
  readonly capabilities: {
    readonly operations: readonly string[];
    /** Found by probing: `lvm`, `qemu-img` … never promised untested. */
    readonly features: readonly string[];
    readonly disk_formats: readonly string[];
  };
  readonly resources: {
    readonly max_concurrent_jobs: number;
    readonly max_disk_size_gb: number;
    readonly available_disk_gb: number;
    readonly cpu_cores: number;
    readonly memory_gb: number;
  };
  readonly configuration: {
    readonly privileged: boolean;
    readonly worker_pool: string;
    readonly data_locality: readonly string[];
    /** Labels that `routing.affinity` and `anti_affinity` are matched with. */
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly status: {
    readonly state: 'ready' | 'busy' | 'draining' | 'offline';
    readonly current_jobs: number;
    readonly last_heartbeat: string;
  };
}

/** Which workers are alive. An entry that is not renewed within its time to live is gone. */
export interface WorkerRegistry {
  announce(worker: WorkerAdvertisement, timeToLiveMs: number): Promise<void>;
  withdraw(workerId: string): Promise<void>;
  /** Live workers, sorted by id. */
  list(): Promise<readonly WorkerAdvertisement[]>;
}
