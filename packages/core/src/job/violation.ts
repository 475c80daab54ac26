/** A rule that a well-formed document breaks. `message` starts with one of the prefixes that clients match on. */
export interface Violation {
  readonly field: string;
  readonly message: string;
}

export function invalidField(field: string, reason: string): Violation {
  return { field, message: `Invalid field value: ${field} - ${reason}` };
}
