import type { FileTime } from '../file-system.ts';
import { BIGTIME_EPOCH } from './layout.ts';

const NANOSECONDS = 1_000_000_000n;

/** Seconds and nanoseconds since 1970. */
export function classicTime(view: DataView, at: number): FileTime {
  return { seconds: view.getInt32(at), nanoseconds: view.getInt32(at + 4) };
}

/** Nanoseconds since 1901 in 64 bits, which last until 2486. */
export function bigTime(view: DataView, at: number): FileTime {
  const time = view.getBigUint64(at);
  return { seconds: BIGTIME_EPOCH + Number(time / NANOSECONDS), nanoseconds: Number(time % NANOSECONDS) };
}
