import type { JobQueue, QueueName } from './job-queue.ts';

/** A job that comes to the queue between two looks is there at the second. */
const LOOKS = 2;

/**
 * Takes a job out that waits in the queue, or that the queue does not have though it should. `false` when a worker has it, or has
 * ended it and history does not know yet. Nothing is added on the way, which a worker might begin: who brings a job to the queue
 * looks afterwards whether it has ended meanwhile.
 */
export async function takeOut(queue: JobQueue, name: QueueName, jobId: string): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    const outcome = await queue.remove(name, jobId);
    if (outcome !== 'absent') return outcome === 'removed';
    const presence = await queue.presence(name, [jobId]);
    const state = presence.get(jobId)?.state ?? 'absent';
    if (state === 'absent') return true;
    if (state === 'completed' || state === 'failed' || state === 'stray') return false;
  }
  return false;
}
