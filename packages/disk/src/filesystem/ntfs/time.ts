import type { FileTime } from '../file-system.ts';

const PER_SECOND = 10_000_000n;
/** Seconds from 1601, where Windows counts from, to 1970. */
const EPOCH_SECONDS = 11_644_473_600;

/** A moment in steps of 100 ns since 1601. */
export function timeOf(ticks: bigint): FileTime {
  const signed = BigInt.asIntN(64, ticks);
  const rest = ((signed % PER_SECOND) + PER_SECOND) % PER_SECOND;
  return { seconds: Number((signed - rest) / PER_SECOND) - EPOCH_SECONDS, nanoseconds: Number(rest) * 100 };
}
