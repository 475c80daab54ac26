import type { FileType } from '@guestkit/disk';

/** All that two views of the same files must agree on. `differences` (tree-differences.ts) compares two lists of these. */
export interface ListedFile {
  readonly path: string;
  readonly type: FileType;
  /** Permission bits in octal. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  readonly links: number;
  readonly inode: number;
  /** Times in seconds and nanoseconds. */
  readonly modified: string;
  readonly changed: string;
  readonly accessed: string;
  /** Absent where none is kept. */
  readonly created?: string;
  /** Of the content; `unreadable: …` instead when `onUnreadable` was given. */
  readonly sha256?: string;
  readonly target?: string;
  readonly device?: string;
  /** Values in hexadecimal by full name, sorted; absent where they could not be asked for. */
  readonly xattrs?: Readonly<Record<string, string>>;
}

export interface ListingOptions {
  /** Whether to read and hash content; on when left out. */
  readonly content?: boolean;
  /** Told of what cannot be read; without it, that is an error. */
  readonly onUnreadable?: (path: string, error: Error) => void;
}

/** How much content is read at once. */
export const READ_BYTES = 1024 * 1024;

export function timeText(seconds: number, nanoseconds: number): string {
  return `${seconds} s ${nanoseconds} ns`;
}
