import { DiskError } from '../../error.ts';
import { quote } from '../../quote.ts';
import { readDescriptorText } from './descriptor-text.ts';
import { corrupt } from './error.ts';
import { type ExtentLine, isExtentLine, parseExtentLine } from './extent-line.ts';
import { LIMIT } from './layout.ts';

/** What the text of a disk says. */
export interface VmdkDescriptor {
  readonly createType: string | undefined;
  /** Changes when the disk is first written to after it was opened; 8 hexadecimal digits. */
  readonly cid: string | undefined;
  readonly parent: VmdkParent | undefined;
  readonly extents: readonly ExtentLine[];
  readonly encoding: string | undefined;
  readonly adapterType: string | undefined;
  readonly hardwareVersion: string | undefined;
}

export interface VmdkParent {
  readonly cid: string;
  /** As the descriptor spells it, hostile. */
  readonly name: string;
}

const NO_PARENT = 'ffffffff';
/** Keys whose first value is not the only one would mean different disks to different readers. */
const ONLY_ONCE = ['cid', 'parentcid', 'parentfilenamehint', 'createtype', 'encoding'];

/** @param offset of the descriptor in its file */
export function parseDescriptor(bytes: Uint8Array, offset: number): VmdkDescriptor {
  const { lines, encoding } = readDescriptorText(bytes);
  const values = new Map<string, string>();
  const extents: ExtentLine[] = [];
  for (const [index, line] of lines.map((text) => text.trim()).entries()) {
    if (line === '' || line.startsWith('#')) continue;
    if (isExtentLine(line)) extents.push(parseExtentLine(line, offset));
    else addValue(values, line, { number: index + 1, offset });
  }
  checkNotEncrypted(values, offset);
  checkExtents(extents, offset);
  return {
    createType: values.get('createtype'),
    cid: readCid(values.get('cid'), offset),
    parent: readParent(values, offset),
    extents,
    encoding,
    adapterType: values.get('ddb.adaptertype'),
    hardwareVersion: values.get('ddb.virtualhwversion'),
  };
}

function addValue(values: Map<string, string>, line: string, place: { number: number; offset: number }): void {
  const equals = line.indexOf('=');
  if (equals === -1) {
    throw corrupt('descriptor', `line ${place.number} is ${quote(line)}, expected an extent or a value`, place.offset);
  }
  const key = line.slice(0, equals).trim().toLowerCase();
  const value = line.slice(equals + 1).trim();
  const known = values.get(key);
  if (known === undefined) values.set(key, unquoted(value));
  else if (ONLY_ONCE.includes(key) && known !== unquoted(value)) {
    throw corrupt('descriptor', `line ${place.number} says ${quote(line)}, after ${quote(known)}`, place.offset);
  }
}

function unquoted(value: string): string {
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function checkNotEncrypted(values: ReadonlyMap<string, string>, offset: number): void {
  if (!values.has('encryption.keysafe') && !values.has('encryption.data')) return;
  const message = 'Cannot read VMDK: content is encrypted by VMware, expected a key';
  throw new DiskError('encrypted', message, { format: 'vmdk', offset });
}

function checkExtents(extents: readonly ExtentLine[], offset: number): void {
  if (extents.length > LIMIT.extents) {
    throw corrupt('descriptor', `it has ${extents.length} extents, expected at most ${LIMIT.extents}`, offset);
  }
  const sectors = extents.reduce((sum, extent) => sum + extent.sectors, 0);
  if (sectors > LIMIT.virtualSectors) {
    throw corrupt('descriptor', `extents have ${sectors} sectors, expected at most ${LIMIT.virtualSectors}`, offset);
  }
}

function readParent(values: ReadonlyMap<string, string>, offset: number): VmdkParent | undefined {
  const cid = readCid(values.get('parentcid'), offset) ?? NO_PARENT;
  const name = values.get('parentfilenamehint');
  if (cid === NO_PARENT && name === undefined) return undefined;
  if (name === undefined) throw corrupt('descriptor', `parentCID is ${cid}, but no parent is named`, offset);
  if (cid === NO_PARENT)
    throw corrupt('descriptor', `it names the parent ${quote(name)}, but parentCID is none`, offset);
  return { cid, name };
}

function readCid(value: string | undefined, offset: number): string | undefined {
  if (value === undefined) return undefined;
  if (/^[0-9a-f]{1,8}$/i.test(value)) return value.toLowerCase().padStart(8, '0');
  throw corrupt('descriptor', `content id is ${quote(value)}, expected up to 8 hexadecimal digits`, offset);
}
