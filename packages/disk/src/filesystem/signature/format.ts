import { DiskError } from '../../error.ts';
import { readGuid, readUuid } from '../../guid.ts';
import type { ByteSource } from '../../source/byte-source.ts';

/** How a kind of volume is known, and where its name and identity are. Offsets are from the start of the volume. */
export interface SignatureFormat {
  /** As blkid names it. */
  readonly type: string;
  /** Any of them is enough, unless `refine` objects. */
  readonly magics: readonly Magic[];
  readonly label?: LabelPlace;
  readonly uuid?: UuidPlace;
  /** Looks closer: `undefined` says it is something else; what is returned overrides the rest. */
  readonly refine?: (volume: ByteSource, magic: Magic) => Refinement | undefined;
}

export interface Magic {
  /** Latin-1, so that `\xff` is the byte 255. */
  readonly text: string;
  readonly at: number;
}

export interface LabelPlace {
  readonly at: number;
  readonly length: number;
  readonly encoding?: 'utf-8' | 'utf-16le' | 'utf-16be';
}

export interface UuidPlace {
  readonly at: number;
  /** `uuid` when left out: 16 bytes in the order they are written. */
  readonly form?: 'uuid' | 'guid' | 'serial32' | 'serial64' | 'text';
  readonly length?: number;
}

export interface Refinement {
  readonly type?: string;
  readonly label?: string | undefined;
  readonly uuid?: string | undefined;
}

export function magic(text: string, at = 0): Magic {
  return { text, at };
}

/** `length` bytes, or `undefined` past the end. */
export function peek(volume: ByteSource, at: number, length: number): Uint8Array | undefined {
  return at >= 0 && at + length <= volume.sizeBytes ? volume.read(at, length) : undefined;
}

export function hasText(volume: ByteSource, { text, at }: Magic): boolean {
  const bytes = peek(volume, at, text.length);
  if (bytes === undefined) return false;
  for (let index = 0; index < text.length; index++) if (bytes[index] !== text.charCodeAt(index)) return false;
  return true;
}

/** A label as blkid gives it: up to the first NUL, without blanks at its end, none when nothing is left. */
export function readLabel(volume: ByteSource, { at, length, encoding = 'utf-8' }: LabelPlace): string | undefined {
  const bytes = peek(volume, at, length);
  return bytes === undefined ? undefined : toLabel(bytes, encoding);
}

export function toLabel(
  bytes: Uint8Array,
  encoding: NonNullable<LabelPlace['encoding']> = 'utf-8',
): string | undefined {
  const text = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  const end = text.indexOf('\0');
  return (end === -1 ? text : text.slice(0, end)).trimEnd() || undefined;
}

/** An identity as blkid spells it for the kind of filesystem; `undefined` when all bytes are zero. */
export function readIdentity(volume: ByteSource, place: UuidPlace): string | undefined {
  const form = place.form ?? 'uuid';
  const bytes = peek(volume, place.at, place.length ?? LENGTHS[form]);
  if (bytes === undefined || bytes.every((byte) => byte === 0)) return undefined;
  return SPELLINGS[form](bytes);
}

type Form = NonNullable<UuidPlace['form']>;

const LENGTHS: Readonly<Record<Form, number>> = { uuid: 16, guid: 16, serial32: 4, serial64: 8, text: 36 };

const SPELLINGS: Readonly<Record<Form, (bytes: Uint8Array) => string | undefined>> = {
  uuid: (bytes) => readUuid(bytes),
  guid: (bytes) => readGuid(bytes),
  serial32: (bytes) => bytes.toReversed().toHex().toUpperCase().replace(/^.{4}/, '$&-'),
  serial64: (bytes) => bytes.toReversed().toHex().toUpperCase(),
  text: (bytes) => toLabel(bytes),
};

/** A label or identity that cannot be read does not keep a volume from being known by its magic. */
export function optional<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DiskError && error.kind === 'corrupt') return undefined;
    throw error;
  }
}
