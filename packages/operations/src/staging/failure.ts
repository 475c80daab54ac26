import { DiskError, type DiskErrorKind } from '@guestkit/disk/unpack';
import { printable } from '../report/printable.ts';

/** What an unpacking process says of its end, as JSON. */
export interface UnpackFailure {
  readonly kind: DiskErrorKind;
  readonly message: string;
  readonly format?: string | undefined;
  readonly offset?: number | undefined;
}

const KINDS: readonly unknown[] = ['io', 'corrupt', 'mismatch', 'unsupported'];
const LONGEST_MESSAGE = 500;

/** Believes of a report only what has the right shape: the process may have been taken over. */
export function readFailure(text: string): DiskError {
  const { kind, message, format, offset } = parse(text);
  if (!KINDS.includes(kind) || typeof message !== 'string') {
    return new DiskError('corrupt', 'Cannot unpack image: the process that does it ended without saying why');
  }
  return new DiskError(kind as DiskErrorKind, printable(message.slice(0, LONGEST_MESSAGE)), {
    ...(typeof format === 'string' && { format: printable(format.slice(0, 20)) }),
    ...(Number.isSafeInteger(offset) && { offset: offset as number }),
  });
}

function parse(text: string): Partial<Record<keyof UnpackFailure, unknown>> {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}
