import { type FileHandle, open } from 'node:fs/promises';
import path from 'node:path';

/**
 * The log of a database in WAL mode, brought to the disk by another thread: SQLite itself would keep the event loop waiting meanwhile.
 * A commit is in the log, and on the disk once the log is.
 */
export class WriteAheadLog implements AsyncDisposable {
  readonly #file: string;
  #handle: Promise<FileHandle> | undefined;

  /** @param file that of the database, which must stay open: the log is there for as long */
  constructor(file: string) {
    this.#file = `${file}-wal`;
  }

  /** Resolves when all that was committed is on the disk. */
  async toDisk(): Promise<void> {
    this.#handle ??= this.#open();
    await (await this.#handle).datasync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#handle)?.close();
  }

  /** SQLite has made the file, and leaves its name in the folder to whoever writes it to the disk first. */
  async #open(): Promise<FileHandle> {
    await using folder = await open(path.dirname(this.#file));
    await folder.sync();
    return open(this.#file);
  }
}
