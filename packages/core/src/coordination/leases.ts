/** The right to do something alone, until it runs out. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Grows with every holder: whoever has a lower one has been overtaken. */
  readonly token: number;
}

/** Who holds a lease at present. Times are RFC 3339 in UTC. */
export interface LeaseRecord extends Lease {
  readonly expires_at: string;
  readonly expired: boolean;
}

/** Leases that run out by one clock, which all holders share. */
export interface Leases {
  /** Takes a lease that is free or has run out; `undefined` while it is held. */
  acquireLease(name: string, holder: string, timeToLiveMs: number): Promise<Lease | undefined>;
  /** `false` when another has taken it meanwhile, or it was given back. */
  renewLease(lease: Lease, timeToLiveMs: number): Promise<boolean>;
  /** Gives it back at once, if it is still held. */
  releaseLease(lease: Lease): Promise<void>;
  findLease(name: string): Promise<LeaseRecord | undefined>;
}
