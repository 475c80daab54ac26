import { statusOf } from './diagnosis.ts';
import type { Check } from './doctor.ts';

/** Shares of the memory that Redis may use. */
const MEMORY_WARNING = 0.7;
const MEMORY_FAULT = 0.85;

export const checkRedis: Check = async ({ redisFacts }) => {
  const { version, isSupported, maxmemoryPolicy } = await redisFacts();
  const isFault = !isSupported || maxmemoryPolicy !== 'noeviction';
  return { status: statusOf(isFault, false), message: `version ${version}, maxmemory-policy ${maxmemoryPolicy}` };
};

export const checkRedisPersistence: Check = async ({ redisFacts }) => {
  const { appendOnly } = await redisFacts();
  const messages = {
    ok: 'append-only file is on',
    off: 'append-only file is off: every restart of Redis makes all jobs run anew',
    failing: 'append-only file cannot be written',
  };
  return { status: statusOf(appendOnly === 'failing', appendOnly === 'off'), message: messages[appendOnly] };
};

export const checkRedisMemory: Check = async ({ redisFacts }) => {
  const { usedMemoryBytes, maxMemoryBytes } = await redisFacts();
  const used = `${mebibytes(usedMemoryBytes)} MiB used`;
  if (maxMemoryBytes === 0) return { status: 'ok', message: `${used}, without a bound` };
  const share = usedMemoryBytes / maxMemoryBytes;
  return {
    status: statusOf(share >= MEMORY_FAULT, share >= MEMORY_WARNING),
    message: `${used} of ${mebibytes(maxMemoryBytes)} MiB`,
  };
};

function mebibytes(bytes: number): number {
  return Math.ceil(bytes / 2 ** 20);
}
