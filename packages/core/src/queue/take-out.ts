import type { JobQueue, QueuedJob } from './job-queue.ts';

/**
 * Takes a job out that waits in the queue, or that the queue does not have though it should. `false` when a worker has it, or has
 * ended it and history does not know yet.
 */
export async function takeOut(queue: JobQueue, job: QueuedJob): Promise<boolean> {
  const jobId = job.document.job_id;
  const outcome = await queue.remove(job, jobId);
  if (outcome !== 'absent') return outcome === 'removed';
  // not there yet, or there no longer: to add one that has ended there changes nothing
  await queue.enqueue(job);
  return (await queue.remove(job, jobId)) === 'removed';
}
