/** A newer attempt of the job has begun: this one publishes nothing. */
export class NotPermitted extends Error {
  override readonly name = 'NotPermitted';
}

/** Longer ago than that, the answer may be out of date: well within the time in which a stopped worker loses its jobs. */
const FRESH_MS = 500;

/** Resolves when the output may be given its name at once. @throws NotPermitted */
export async function permission(ask: () => Promise<boolean>, clock = () => performance.now()): Promise<void> {
  for (;;) {
    const askedAtMs = clock();
    if (!(await ask())) throw new NotPermitted('Cannot publish: the job has a newer attempt');
    // a process that was stopped in between asks again
    if (clock() - askedAtMs <= FRESH_MS) return;
  }
}
