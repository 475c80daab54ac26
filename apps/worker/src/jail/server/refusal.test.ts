import { PathError } from '@guestkit/core/security/path-error';
import { describe, expect, test } from 'vitest';
import { refusalOf } from './refusal.ts';

describe('refusalOf', () => {
  test.each([
    ['EBUSY', 'IMAGE_LOCKED'],
    ['EAGAIN', 'IMAGE_LOCKED'],
    ['ESTALE', 'IMAGE_UNREACHABLE'],
    ['EHOSTUNREACH', 'IMAGE_UNREACHABLE'],
    ['EIO', 'IMAGE_UNREADABLE'],
  ])('takes %s for %s, also where a path could not be opened for it', (code, expected) => {
    const cause = Object.assign(new Error(`${code}: /host/path`), { code });
    expect(refusalOf(cause)).toMatchObject({ code: expected, message: expect.not.stringContaining('/host/path') });
    const message = 'Cannot open "disk.raw": it cannot be read';
    expect(refusalOf(new PathError('io', 'disk.raw', message, { cause }))).toMatchObject({ code: expected, message });
  });
});
