/** Where the epoch of the queue is kept. */
export function epochKeyOf(prefix: string): string {
  return `${prefix}:epoch`;
}

/** Which run of Redis tells this of itself: another one after a restart or a failover. */
export function runIdIn(serverInfo: string): string {
  return /^run_id:(\w+)/m.exec(serverInfo)?.[1] ?? '';
}
