/** Who asks for something, and by which request. */
export interface AuditAuthor {
  /** The fingerprint of an API key, or where the request came from. */
  readonly who: string;
  readonly request_id: string;
}

/** Who did what to many jobs, or to the dead letters. */
export interface AuditEntry extends AuditAuthor {
  readonly tenant: string;
  /** RFC 3339 in UTC. */
  readonly time: string;
  /** Such as `bulk.cancel`. */
  readonly verb: string;
  /** What it was about: a filter, or ids. */
  readonly target: Readonly<Record<string, unknown>>;
  /** How many it was about, or what became of them. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[];
  /** Opaque; `null` on the last page. Newest first. */
  readonly nextCursor: string | null;
}

export interface PageDemand {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What was done, for whoever asks later; entries are never changed. */
export interface AuditLog {
  noteAudit(entry: Omit<AuditEntry, 'time'>): Promise<void>;
  /** @throws RangeError when the cursor is not one of ours */
  listAudit(tenant: string, page: PageDemand): Promise<AuditPage>;
}
