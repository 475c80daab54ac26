/** One life of what the queue holds: from when it was empty, or taken over, until it is lost. */
export interface QueueEpoch {
  readonly id: string;
  /** Grows while the epoch lasts: one that is lower than it was remembers less. */
  readonly count: number;
}

/** The epoch as the queue's own storage has it, which goes with the storage when that is flushed or rolled back. */
export interface QueueEpochKey {
  /** Counts on; the epoch is `undefined` when the storage knows none. */
  advance(): Promise<QueueEpochReading>;
  /** The id of the epoch at present. */
  read(): Promise<string | undefined>;
  /** Begins an epoch in place of the one that was read before. `false` when another has begun one meanwhile. */
  begin(id: string, inPlaceOf: string | undefined): Promise<boolean>;
  /** Notes that in this run of the storage the queue was compared with history. */
  confirm(instance: string): Promise<void>;
}

export interface QueueEpochReading {
  readonly epoch: QueueEpoch | undefined;
  /** Which run of the storage it is: another one after a restart or a failover, which may have lost a little. */
  readonly instance: string;
  /** Whether it is confirmed. */
  readonly isConfirmed: boolean;
}

/** The epoch as it is remembered where nothing gets lost. */
export interface QueueEpochMemory {
  queueEpoch(): Promise<QueueEpoch | undefined>;
  rememberQueueEpoch(epoch: QueueEpoch): Promise<void>;
}
