/** What the cluster may hold only so much of. */
export type GaugeName = 'redis-memory' | 'waiting' | 'outbox' | 'recorder';

export interface Reading {
  readonly value: number;
  /** Beyond it nothing more is taken in; 0 for no bound. */
  readonly mark: number;
}

/** What could not be read is missing. */
export type Readings = ReadonlyMap<GaugeName, Reading>;

export interface PassedMark extends Reading {
  readonly gauge: GaugeName;
}

/** Taking in again only somewhat below the mark keeps the gate from swinging with every job. */
const REOPEN_SHARE = 0.9;

/** Which marks are passed, given those that were before. Of what cannot be read now, the last word stands. */
export function passedMarks(readings: Readings, before: readonly PassedMark[]): readonly PassedMark[] {
  const unread = before.filter(({ gauge }) => !readings.has(gauge));
  const passed = [...readings]
    .map(([gauge, reading]) => ({ gauge, ...reading }))
    .filter(({ gauge, value, mark }) => mark > 0 && value > threshold(mark, gauge, before));
  return [...unread, ...passed];
}

function threshold(mark: number, gauge: GaugeName, before: readonly PassedMark[]): number {
  return before.some((passed) => passed.gauge === gauge) ? mark * REOPEN_SHARE : mark;
}
