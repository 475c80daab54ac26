import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { referenceName } from '../windows-path.ts';
import type { VhdParent } from './dynamic-header.ts';

/** Opens the parent of a differencing disk, and compares its identity with the one recorded. */
export function openVhdParent(parent: VhdParent, context: ImageContext): DiskImage {
  const name = parentName(parent);
  const image = context.openReference(name, 'vhd');
  const { unique_id } = image.facts.details;
  if (unique_id !== parent.uniqueId) {
    const state = `its unique id is ${String(unique_id)}, expected ${parent.uniqueId}`;
    throw new DiskError('corrupt', `Cannot use parent ${quote(name)}: ${state}`, { format: 'vhd' });
  }
  return image;
}

/** The name to ask the policy for: the path beside the image first, as moved disks keep it. */
export function parentName({ relativePath, absolutePath, name }: VhdParent): string {
  return referenceName([relativePath, absolutePath, name].find((path) => path !== undefined && path !== '') ?? '');
}
