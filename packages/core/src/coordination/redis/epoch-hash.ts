import { parseInfo } from './info.ts';

/** Where the epoch of the queue is kept. */
export function epochKeyOf(prefix: string): string {
  return `${prefix}:epoch`;
}

/** Which run of Redis tells this of itself: another one after a restart or a failover. */
export function runIdIn(serverInfo: string): string {
  return parseInfo(serverInfo).get('run_id') ?? '';
}
