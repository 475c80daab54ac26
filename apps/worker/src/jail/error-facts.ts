import { DiskError, type DiskErrorKind } from '@guestkit/disk/error';

/** An error as plain facts that survive a pipe. */
export interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly kind?: DiskErrorKind;
  readonly format?: string;
  readonly offset?: number;
  /** Inside the guest. */
  readonly path?: string;
}

const MAX_TEXT_CHARACTERS = 2000;

/** What an error says of itself. */
export function factsOf(error: unknown): ErrorFacts {
  if (!(error instanceof Error)) return { name: 'Error', message: shorten(String(error)) };
  const facts = { name: error.name, message: shorten(error.message) };
  if (!(error instanceof DiskError)) return facts;
  const { kind, format, offset, path } = error;
  return {
    ...facts,
    kind,
    ...(format !== undefined && { format }),
    ...(offset !== undefined && { offset }),
    ...(path !== undefined && { path: shorten(path) }),
  };
}

function shorten(text: string): string {
  return text.slice(0, MAX_TEXT_CHARACTERS);
}
