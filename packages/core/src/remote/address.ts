import { RemoteError } from './remote-error.ts';

// How a document or a command line names an image that is not a file of this host.

export type RemoteAddress =
  | { readonly kind: 'http'; readonly url: URL; readonly shown: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly key: string; readonly shown: string };

const REMOTE = /^(?:https?|s3):\/\//i;
const S3 = /^s3:\/\/([^/]*)\/?(.*)$/is;
const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const MAX_KEY_BYTES = 1024;
const MAX_URL_CHARACTERS = 8192;

export function isRemoteAddress(text: string): boolean {
  return REMOTE.test(text);
}

/** @throws RemoteError `denied` when it is no address, or holds a user name or password */
export function parseRemoteAddress(text: string): RemoteAddress {
  return /^s3:/i.test(text) ? parseS3(text) : parseUrl(text);
}

/** An image as messages, results and logs may have it: the query of a URL may be a signature that opens it to everybody. */
export function shownAddress(text: string): string {
  if (!/^https?:\/\//i.test(text)) return text;
  const [address = '', query] = text.replace(/#.*$/s, '').split('?', 2);
  const bare = address.replace(/^([^/]*\/\/)[^/]*@/, '$1…@');
  return query === undefined ? bare : `${bare}?…`;
}

function parseUrl(text: string): RemoteAddress {
  const shown = shownAddress(text);
  const url = text.length <= MAX_URL_CHARACTERS ? URL.parse(text) : null;
  if (url === null) throw new RemoteError('denied', `Cannot read "${shown}": it is not a URL`);
  if (url.username !== '' || url.password !== '') {
    throw new RemoteError('denied', `Cannot read "${shown}": its address holds a user name or password`);
  }
  url.hash = '';
  return { kind: 'http', url, shown };
}

function parseS3(text: string): RemoteAddress {
  const [, bucket = '', key = ''] = S3.exec(text) ?? [];
  const isKey = key !== '' && Buffer.byteLength(key) <= MAX_KEY_BYTES;
  // a service that takes keys for paths would leave the prefix that the operator allowed
  const climbs = key.split('/').some((part) => part === '.' || part === '..');
  if (BUCKET.test(bucket) && isKey && !climbs) return { kind: 's3', bucket, key, shown: text };
  throw new RemoteError('denied', `Cannot read "${shownAddress(text)}": expected s3://BUCKET/KEY`);
}
