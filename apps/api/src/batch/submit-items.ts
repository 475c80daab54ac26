import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import type { Acceptance, AcceptedJob } from '@guestkit/core/history/job-history';
import { submitJobs } from '@guestkit/core/history/submit';
import { admissionWarnings } from '../admission.ts';
import type { ApiParts } from '../api-parts.ts';
import type { LiveWorkers } from '../live-workers.ts';
import { noteNotEnqueued, type PostedJob, readPostedJob } from '../posted-job.ts';
import { Problem } from '../problem.ts';
import { acceptedItem, type ItemResult, refusedItem } from './item-result.ts';
import type { BatchItem } from './read-items.ts';

export interface SubmitItemsParts
  extends Pick<ApiParts, 'config' | 'history' | 'queue' | 'gate' | 'clock' | 'logger' | 'metrics'> {
  readonly workers: LiveWorkers;
}

/** Documents that share a commit: their texts are all of a batch that is held at once. */
const GROUP_ITEMS = 500;
const GROUP_LENGTH = 4 * 1024 * 1024;

/** Reads the items and makes them durable, one group after the other: no further group is read before that. */
export async function* submitItems(
  parts: SubmitItemsParts,
  items: AsyncIterable<BatchItem>,
): AsyncGenerator<readonly ItemResult[]> {
  let first = 0;
  for await (const group of groupsOf(items)) {
    yield await submitGroup(parts, group, first);
    first += group.length;
  }
}

async function* groupsOf(items: AsyncIterable<BatchItem>): AsyncGenerator<readonly BatchItem[]> {
  let group: BatchItem[] = [];
  let length = 0;
  for await (const item of items) {
    group.push(item);
    length += typeof item === 'string' ? item.length : 0;
    if (group.length < GROUP_ITEMS && length < GROUP_LENGTH) continue;
    yield group;
    group = [];
    length = 0;
  }
  if (group.length > 0) yield group;
}

interface ReadItem extends PostedJob {
  readonly index: number;
}

/** @throws what every document of the group met: the rest of the batch would meet it too */
async function submitGroup(
  parts: SubmitItemsParts,
  group: readonly BatchItem[],
  first: number,
): Promise<readonly ItemResult[]> {
  parts.gate.admit(group.length);
  const items = group.map((item, at) => readItem(parts, item, first + at));
  const [refused, read] = [items.filter((item) => 'status' in item), items.filter((item) => 'job' in item)];
  const outcomes = await accept(
    parts,
    read.map(({ job }) => job),
  );
  const live = await parts.workers.list();
  const judged = read.map((item, at) => resultOf(item, outcomes[at], live));
  return [...refused, ...judged].sort((a, b) => a.index - b.index);
}

function readItem(parts: SubmitItemsParts, item: BatchItem, index: number): ReadItem | ItemResult {
  if (item instanceof Problem) return refusedItem(index, item);
  try {
    return { index, ...readPostedJob(item, parts) };
  } catch (error) {
    return refusedItem(index, error);
  }
}

type Outcome = PromiseSettledResult<Acceptance>;

async function accept(parts: SubmitItemsParts, jobs: readonly AcceptedJob[]): Promise<readonly Outcome[]> {
  const { history, queue, logger, metrics } = parts;
  const outcomes = await submitJobs({ history, queue, onNotEnqueued: noteNotEnqueued(logger) }, jobs);
  for (const [outcome, { length }] of Map.groupBy(outcomes, outcomeOf)) {
    if (outcome !== 'failed') metrics.jobsAccepted.inc({ outcome }, length);
  }
  const fault = outcomes.find((outcome) => outcome.status === 'rejected')?.reason;
  if (fault !== undefined && outcomes.every(({ status }) => status === 'rejected')) throw fault;
  if (fault !== undefined) logger.warn({ err: fault }, 'some documents of a batch failed');
  return outcomes;
}

function outcomeOf(outcome: Outcome): string {
  return outcome.status === 'fulfilled' ? outcome.value.outcome : 'failed';
}

function resultOf(
  { index, job, warnings }: ReadItem,
  outcome: Outcome | undefined,
  live: readonly WorkerAdvertisement[] | undefined,
): ItemResult {
  if (outcome?.status !== 'fulfilled') return refusedItem(index, outcome?.reason, job.document.job_id);
  return acceptedItem(index, outcome.value, [...warnings, ...(live ? admissionWarnings(job, live) : [])]);
}
