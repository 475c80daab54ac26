/** What the database says of itself. */
export interface DatabaseFacts {
  /** The newest change of its tables. */
  readonly schema: string;
  /** By its own clock, RFC 3339 in UTC. */
  readonly time: string;
}
