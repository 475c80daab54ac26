/** Jobs that have ended with outputs, for those who guard them. */
export interface PublishedJobs {
  /** Those of all tenants that ended last: within a time before the newest end. */
  publishedLately(withinMs: number): Promise<readonly { readonly tenant: string; readonly job_id: string }[]>;
}
