import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { type Refinement, readIdentity, readLabel } from './format.ts';

const HEADER = { version: [6, 'u16be'] } as const;

export function refineLuks(volume: ByteSource): Refinement {
  const { version } = readFields(volume.read(0, 8), HEADER);
  return {
    uuid: readIdentity(volume, { at: 168, form: 'text', length: 40 }),
    label: version === 2 ? readLabel(volume, { at: 24, length: 48 }) : undefined,
  };
}
