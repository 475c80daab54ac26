import type { ByteSource } from '@guestkit/disk';
import { TRANSMISSION_FLAG } from './layout.ts';

/** What clients see, and who is told what they do. */
export interface ExportedImage {
  readonly source: ByteSource;
  readonly name: string;
  readonly description: string | undefined;
  onRead(bytes: number): void;
  onReadError(error: unknown): void;
}

/** What an export can do. Structured replies can leave a read in one piece; simple ones always do. */
export function transmissionFlags(structured: boolean): number {
  const { hasFlags, readOnly, sendFlush, canMultiConn, sendCache, sendDf } = TRANSMISSION_FLAG;
  return hasFlags | readOnly | sendFlush | canMultiConn | sendCache | (structured ? sendDf : 0);
}
