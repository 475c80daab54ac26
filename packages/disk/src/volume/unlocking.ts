import { DiskError } from '../error.ts';

/** What is there to open what is encrypted. */
export interface Unlocking {
  /** Passphrases and contents of key files, to be tried in turn. */
  readonly passphrases: readonly Uint8Array[];
  /** What trying them may cost. */
  readonly work: KeyWork;
}

/**
 * What the keys of one disk may cost to derive, in units of about a microsecond: an iteration of PBKDF2 for each block of a key, a
 * KiB that Argon2 fills once, an iteration of BitLocker's. Headers choose these figures, and time is spent for each passphrase on
 * each slot of each volume (security rule R6). Ten times what cryptsetup asks for on a fast machine.
 */
const MOST_WORK = 2 ** 27;
/** Of that, what a single key may cost. */
const MOST_WORK_OF_KEY = 2 ** 25;

/** Counts the work of deriving keys while a disk is opened. */
export class KeyWork {
  #left: number;

  constructor(most: number = MOST_WORK) {
    this.#left = most;
  }

  /** To be asked before the work. `what` names the key. @throws DiskError `unsupported` when it is too much */
  spend(work: number, what: string, format: string): void {
    const most = Math.min(this.#left, MOST_WORK_OF_KEY);
    // written so that NaN fails too
    if (work <= most) {
      this.#left -= work;
      return;
    }
    const limit = most === MOST_WORK_OF_KEY ? `at most ${most}` : `at most ${most}, what is left for this disk`;
    throw new DiskError('unsupported', `Cannot derive ${what}: it takes ${work} units of work, expected ${limit}`, {
      format,
    });
  }
}
