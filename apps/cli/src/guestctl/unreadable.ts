import { DiskError } from '@guestkit/disk';
import { printable } from '@guestkit/operations/report/printable';
import { CommandError } from '../exit-code.ts';

const MAX_TOLD = 20;

interface UnreadableFile {
  readonly path: string;
  readonly error: DiskError;
}

/** What a listing does without because the image does not give it: the rest is still an answer. */
export class Unreadable {
  readonly #told: UnreadableFile[] = [];
  #count = 0;

  readonly add = (path: string, error: DiskError): void => {
    this.#count += 1;
    if (this.#told.length < MAX_TOLD) this.#told.push({ path, error });
  };

  /** What is read, or `undefined` where that ends in a DiskError, which is kept. */
  attempt<T>(path: string, read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.add(path, error);
      return undefined;
    }
  }

  /** Tells on stderr what is missing, once the rest is printed. @throws CommandError as the first of the errors ends */
  conclude(start: string): void {
    const [first] = this.#told;
    if (first === undefined) return;
    for (const { path, error } of this.#told) tell(`${path}: ${error.message}`);
    if (this.#count > this.#told.length) tell(`and ${this.#count - this.#told.length} more`);
    const { kind, format, offset } = first.error;
    const details = { path: first.path, kind, format, offset };
    throw new CommandError(kind, `Cannot read all of "${start}": ${this.#count} unreadable`, { details });
  }
}

function tell(line: string): void {
  process.stderr.write(`guestctl: ${printable(line)}\n`);
}
