import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import type { DiskImage, ImageContext } from '../image.ts';
import { referenceName } from '../windows-path.ts';
import { NO_GUID } from './layout.ts';
import type { ParentLocator } from './parent-locator.ts';

// the path beside the image first, as moved disks keep it
const PATHS = ['relative_path', 'absolute_win32_path', 'volume_path'];
// the second is there while a disk is being merged into its parent
const LINKAGES = ['parent_linkage', 'parent_linkage2'];

/** Opens the parent of a differencing disk. A parent that was written to since is not the one that the disk lies over. */
export function openVhdxParent(locator: ParentLocator, context: ImageContext): DiskImage {
  const name = parentName(locator);
  const image = context.openReference(name, 'vhdx');
  const { data_write_guid } = image.facts.details;
  const linkages = linkagesOf(locator);
  if (!linkages.some((linkage) => linkage === data_write_guid)) {
    const expected = linkages.length === 0 ? 'a linkage to it' : linkages.map(quote).join(' or ');
    const state = `its content is version ${String(data_write_guid)}, expected ${expected}`;
    throw new DiskError('corrupt', `Cannot use parent ${quote(name)}: ${state}`, { format: 'vhdx' });
  }
  return image;
}

/** The name to ask the policy for. */
export function parentName(locator: ParentLocator): string {
  const path = PATHS.map((key) => locator.get(key)).find((value) => value !== undefined && value !== '');
  return referenceName(path ?? '');
}

function linkagesOf(locator: ParentLocator): readonly string[] {
  return LINKAGES.map((key) =>
    locator
      .get(key)
      ?.toLowerCase()
      .replace(/^\{(.*)\}$/, '$1'),
  )
    .filter((linkage) => linkage !== undefined)
    .filter((linkage) => linkage !== NO_GUID);
}
