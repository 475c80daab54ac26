import { promisify } from 'node:util';
import { constants, zstdCompress, zstdDecompress } from 'node:zlib';
import type { ArtifactStore } from '@guestkit/core/artifact/artifact-store';
import { cacheKey } from '@guestkit/core/artifact/cache-key';
import type { JobDocument } from '@guestkit/core/job/document';
import type { CachedFrom } from '@guestkit/core/job/result';
import type { Logger } from '@guestkit/core/telemetry/logger';
import type { WorkerMetrics } from '@guestkit/core/telemetry/worker-metrics';
import type { Operation } from '@guestkit/operations/operation';
import type { ImageRules, JailReport, KnownResult } from '../jail/task.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

const HOUR_MS = 3600 * 1000;
/** Times of files are no finer than that everywhere: one written to now may be written to again without its stamp moving. */
const SETTLED_MS = 2000;
/** Of an entry, beside its value. */
const ENTRY_OVERHEAD_BYTES = 1024 * 1024;

export interface ResultCacheOptions {
  readonly store: ArtifactStore;
  /** How long an entry may be answered again. */
  readonly hours: number;
  readonly version: string;
  readonly rules: ImageRules;
  readonly resultLimitBytes: number;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
}

/** A run of an operation, as far as its result depends on it. */
export interface CacheableRun {
  readonly tenant: string;
  readonly document: JobDocument;
  readonly operation: Operation;
  readonly payload: unknown;
}

interface CacheEntry extends KnownResult {
  readonly from_job: string;
  readonly created_at: string;
}

/**
 * Results of operations on images that have not changed since. An entry names the files that the result was read from, and whoever
 * opens the images of a job compares those before anything of it is believed. What goes wrong here costs time and nothing else.
 */
export class ResultCache {
  readonly #options: ResultCacheOptions;

  constructor(options: ResultCacheOptions) {
    this.#options = options;
  }

  /** What is known about the images of a run; whether it still holds is for the jail's supervisor to see. */
  async find(run: CacheableRun): Promise<CacheEntry | undefined> {
    const key = this.#keyOf(run);
    if (key === undefined || wishOf(run) !== 'use') return undefined;
    try {
      const entry = await this.#read(key);
      if (entry === undefined) this.#count('miss');
      return entry;
    } catch (err) {
      this.#fault(err, 'result cache could not be read');
      return undefined;
    }
  }

  /** Notes what came of a run. Where it was answered from an entry, says from which. */
  learn(run: CacheableRun, report: JailReport, known: CacheEntry | undefined): CachedFrom | undefined {
    if (known !== undefined) this.#count(report.isKnown ? 'hit' : 'changed');
    if (report.isKnown && known !== undefined) {
      const ageMs = Date.now() - Date.parse(known.created_at);
      return { from_job: known.from_job, age_seconds: Math.max(0, Math.floor(ageMs / 1000)) };
    }
    const key = this.#keyOf(run);
    if (key !== undefined && wishOf(run) !== 'off') {
      this.#keep(key, run, report).catch((err) => this.#fault(err, 'result could not be cached'));
    }
    return undefined;
  }

  #keyOf({ tenant, operation, payload }: CacheableRun): string | undefined {
    if (operation.decisive === undefined) return undefined;
    const { version, rules } = this.#options;
    const { imageRoots, references, maxDiskSizeGb } = rules;
    return cacheKey({
      ...{ tenant, operation: operation.name, version, imageRoots, references, maxDiskSizeGb },
      images: operation.images(payload),
      options: operation.decisive(payload),
    });
  }

  async #read(key: string): Promise<CacheEntry | undefined> {
    await using content = await this.#options.store.get(key);
    if (content === undefined) return undefined;
    const maxOutputLength = this.#options.resultLimitBytes + ENTRY_OVERHEAD_BYTES;
    const bytes = await decompress(Buffer.concat(await Array.fromAsync(content.bytes)), { maxOutputLength });
    const entry: CacheEntry = JSON.parse(bytes.toString());
    return Date.parse(entry.created_at) > Date.now() - this.#options.hours * HOUR_MS ? entry : undefined;
  }

  async #keep(key: string, { document }: CacheableRun, { ending, inputs }: JailReport): Promise<void> {
    if (ending.kind !== 'result' || inputs === undefined || inputs.changedAtMs > inputs.openedAtMs - SETTLED_MS) return;
    const { references, files } = inputs;
    const created_at = new Date(inputs.openedAtMs).toISOString();
    const entry: CacheEntry = { references, files, value: ending.value, from_job: document.job_id, created_at };
    // the checksum of the frame is what tells a damaged entry
    const params = { [constants.ZSTD_c_checksumFlag]: 1 };
    await this.#options.store.put(key, await compress(Buffer.from(JSON.stringify(entry)), { params }));
  }

  #count(outcome: 'hit' | 'miss' | 'changed' | 'fault'): void {
    this.#options.metrics.resultCache.inc({ outcome });
  }

  #fault(err: unknown, message: string): void {
    this.#count('fault');
    this.#options.logger.warn({ err }, message);
  }
}

function wishOf({ document }: CacheableRun): 'use' | 'refresh' | 'off' {
  return document.execution.cache ?? 'use';
}
