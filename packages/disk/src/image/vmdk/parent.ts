import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { referenceName } from '../windows-path.ts';
import type { VmdkDescriptor, VmdkParent } from './descriptor.ts';

/** The name by which the policy is asked for a parent. */
export function parentName({ name }: VmdkParent): string {
  // Workstation on Windows; a path of ESXi stays as it is
  return name.includes('\\') ? referenceName(name) : name;
}

/** @throws DiskError `corrupt` when the parent was written to since: its content id is another */
export function openParent({ parent: link }: VmdkDescriptor, context: ImageContext): DiskImage | undefined {
  if (link === undefined) return undefined;
  const name = parentName(link);
  const parent = context.openReference(name, 'vmdk');
  const { cid } = parent.facts.details;
  if (cid === link.cid) return parent;
  const state = `its content id is ${String(cid)}, expected ${link.cid}: it is another disk, or was written to`;
  throw new DiskError('corrupt', `Cannot open parent ${quote(name)}: ${state}`, { format: 'vmdk' });
}
