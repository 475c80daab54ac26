import { LEADER_LEASE } from '@guestkit/core/coordination/leader';
import { MIGRATION_NAMES } from '@guestkit/core/history/migrations/migrate';
import { statusOf } from './diagnosis.ts';
import type { Check } from './doctor.ts';

const LAG_WARNING_MS = 5_000;
const LAG_FAULT_MS = 60_000;
const PARENTS_PER_QUEUE = 100;
const SHOWN = 5;

export const checkDatabase: Check = async ({ history, clock }) => {
  const beforeMs = clock();
  const { schema } = await history.databaseFacts();
  const tookMs = clock() - beforeMs;
  const newest = MIGRATION_NAMES.at(-1);
  const expectation = schema === newest ? '' : `, expected ${newest}`;
  return {
    status: statusOf(schema !== newest, false),
    message: `schema ${schema}${expectation}; answers in ${tookMs} ms`,
  };
};

export const checkLeader: Check = async ({ history }) => {
  const lease = await history.findLease(LEADER_LEASE);
  if (lease === undefined || lease.expired) return { status: 'fault', message: 'no node leads: nothing is reconciled' };
  return { status: 'ok', message: `${lease.holder} leads, term ${lease.token}` };
};

export const checkRecorder: Check = async ({ stream, clock }) => {
  const { entries, sinceMs } = await stream.backlog();
  if (sinceMs === undefined) return { status: 'ok', message: 'nothing is left to be recorded' };
  const lagMs = Math.max(0, clock() - sinceMs);
  return {
    status: statusOf(lagMs >= LAG_FAULT_MS, lagMs >= LAG_WARNING_MS),
    message: `${entries} entries are left to be recorded, the oldest for ${Math.round(lagMs / 1000)} s`,
  };
};

export const checkWorkers: Check = async ({ registry, queue }) => {
  const workers = await registry.list();
  const depths = await Promise.all((await queue.names()).map((name) => queue.depth(name)));
  const waiting = depths.reduce((sum, depth) => sum + depth.waiting, 0);
  const message = `${workers.length} alive; ${waiting} jobs wait`;
  return { status: statusOf(workers.length === 0 && waiting > 0, workers.length === 0), message };
};

export const checkEpoch: Check = async ({ history, epochKey }) => {
  const [known, id] = await Promise.all([history.queueEpoch(), epochKey.read()]);
  if (known !== undefined && known.id === id)
    return { status: 'ok', message: `the queue is in the epoch that history knows` };
  return { status: 'fault', message: 'the queue was flushed or replaced, and is not rebuilt yet' };
};

export const checkParents: Check = async ({ queue }) => {
  const names = await queue.names();
  const stuck = (await Promise.all(names.map((name) => queue.stuckParents(name, PARENTS_PER_QUEUE)))).flat();
  if (stuck.length === 0) return { status: 'ok', message: 'no job waits for children that have ended' };
  return {
    status: 'fault',
    message: `${stuck.length} wait for children that have ended: ${stuck.slice(0, SHOWN).join(', ')}`,
  };
};
