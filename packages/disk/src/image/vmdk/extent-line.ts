import { quote } from '../../quote.ts';
import { corrupt } from './error.ts';

/** `RW 4192256 SPARSE "disk-s001.vmdk"`: one piece of a disk. */
export interface ExtentLine {
  readonly access: 'RW' | 'RDONLY' | 'NOACCESS';
  readonly sectors: number;
  /** `FLAT`, `SPARSE` … as the descriptor spells it. */
  readonly type: string;
  /** The file it is in, hostile. */
  readonly name: string | undefined;
  /** Where it starts in that file. */
  readonly offsetSectors: number;
}

const ACCESS = /^(RW|RDONLY|NOACCESS)[ \t]/;
// extents of host disks go on after the offset
const EXTENT =
  /^(?<access>RW|RDONLY|NOACCESS)[ \t]+(?<sectors>\d{1,15})[ \t]+(?<type>[A-Z0-9]{1,20})(?:[ \t]+"(?<name>[^"]*)"(?:[ \t]+(?<offset>\d{1,15}))?(?:[ \t]+(?:partitionUUID|deviceIdentifier)[ \t].*)?)?$/;

export function isExtentLine(line: string): boolean {
  return ACCESS.test(line);
}

/** @param offset of the descriptor in its file */
export function parseExtentLine(line: string, offset: number): ExtentLine {
  const { access, sectors, type, name, offset: start } = EXTENT.exec(line)?.groups ?? {};
  if (access === undefined || type === undefined || Number(sectors) === 0) {
    throw corrupt('descriptor', `extent is ${quote(line)}, expected access, size, type, file name and offset`, offset);
  }
  return {
    access: access as ExtentLine['access'],
    sectors: Number(sectors),
    type,
    name,
    offsetSectors: Number(start ?? 0),
  };
}
