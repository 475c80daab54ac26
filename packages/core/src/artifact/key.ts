// Keys of the store: names joined by slashes, each fit for a file name and for S3 alike, so that no key leads out of the store.

const NAME = /^[A-Za-z0-9._~=-]{1,150}$/;
const ONLY_DOTS = /^\.+$/;
/** S3 takes 1,024 bytes with the prefix. */
const MAX_KEY_LENGTH = 700;

/** @throws RangeError when it is no key */
export function assertKey(key: string): void {
  const isKey = key.length <= MAX_KEY_LENGTH && /^[A-Za-z0-9]/.test(key) && key.split('/').every(isKeyName);
  if (!isKey) throw new RangeError(`Cannot use the key "${key}": expected names of letters, digits and . _ ~ = -`);
}

/** @throws RangeError when it is no folder: a key with a slash behind */
export function assertFolder(folder: string): void {
  assertKey(folder.replace(/\/$/, ''));
  if (!folder.endsWith('/')) throw new RangeError(`Cannot list "${folder}": expected a slash at the end`);
}

export function isKeyName(name: string): boolean {
  return NAME.test(name) && !ONLY_DOTS.test(name);
}
