/** How long after its adding each job started, by a clock that processes of one machine share. */
export interface Delays {
  note(addedAtMs: number | undefined): void;
}

export function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

/** Answers each question of the bench with what was noted since the last one. */
export function answerWithDelays(): Delays {
  let delays: number[] = [];
  process.on('message', () => {
    process.send?.(delays);
    delays = [];
  });
  return {
    note: (addedAtMs) => {
      if (addedAtMs !== undefined) delays.push(nowMs() - addedAtMs);
    },
  };
}
