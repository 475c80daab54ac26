import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { ReferenceOpener } from './image.ts';

/** The policy that opens nothing: the error says what the image needs (security rule R4). */
export const denyReferences: ReferenceOpener = {
  open(name) {
    const state = 'the policy allows no references';
    throw new DiskError(
      'denied',
      `Cannot open reference ${quote(name)}: ${state}, expected an image that stands alone`,
    );
  },
};
