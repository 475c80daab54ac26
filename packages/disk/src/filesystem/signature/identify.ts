import type { ByteSource } from '../../source/byte-source.ts';
import { CachedSource } from '../../source/cached-source.ts';
import { hasText, optional, type Refinement, readIdentity, readLabel, type SignatureFormat } from './format.ts';
import { SIGNATURE_FORMATS, type SignatureSearch } from './formats.ts';

/** What a volume is by its content: type, label and UUID spelled as blkid spells them. */
export interface VolumeSignature {
  /** `ext4`, `vfat`, `swap`, `LVM2_member`, `crypto_LUKS` … */
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
}

const CACHE = { blockBytes: 4096, budgetBytes: 1024 * 1024 };

/** Identifies a volume, `undefined` when nothing known is there. Reads a few blocks at its start, middle and end. */
export function identifyVolume(volume: ByteSource): VolumeSignature | undefined {
  const cached = new CachedSource(volume, CACHE);
  for (const format of SIGNATURE_FORMATS) {
    const found = optional(() => ('find' in format ? search(cached, format) : match(cached, format)));
    if (found !== undefined) return found;
  }
  return undefined;
}

function search(volume: ByteSource, { type, find }: SignatureSearch): VolumeSignature | undefined {
  const found = find(volume);
  return found === undefined ? undefined : { type, label: found.label, uuid: found.uuid };
}

function match(volume: ByteSource, format: SignatureFormat): VolumeSignature | undefined {
  for (const magic of format.magics) {
    if (!hasText(volume, magic)) continue;
    const refined: Refinement | undefined = format.refine === undefined ? {} : format.refine(volume, magic);
    if (refined === undefined) continue;
    return {
      type: format.type,
      label: format.label === undefined ? undefined : readLabel(volume, format.label),
      uuid: format.uuid === undefined ? undefined : readIdentity(volume, format.uuid),
      ...refined,
    };
  }
  return undefined;
}
