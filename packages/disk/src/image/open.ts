import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { FORMAT_ALIASES, FORMAT_NOT_CLAIMED, IMAGE_FORMATS } from './formats.ts';
import type { DiskImage, ImageContext, ImageFormat, ReferenceOpener } from './image.ts';
import { openRaw } from './raw/open.ts';
import { checkReferenceName } from './reference-name.ts';

// security rule R7; a chain that comes back to itself ends here too
const LONGEST_CHAIN = 16;
const DEEPEST_NESTING = 3;
const HEAD_BYTES = 4096;
const TAIL_BYTES = 512;

export interface OpenImageOptions {
  /** What the caller says the container is: checked, not trusted. `img` claims nothing. */
  readonly claimedFormat?: string;
  readonly references: ReferenceOpener;
  /** Which disk of an archive of several, counted from 1; the first when left out. */
  readonly disk?: number;
  /** Passphrases and contents of key files for what is encrypted, to be tried in turn. */
  readonly passphrases?: readonly Uint8Array[];
}

/** Opens a container by its content. @throws DiskError when it is damaged, unknown, or not what was claimed */
export function openImage(source: ByteSource, options: OpenImageOptions): DiskImage {
  const { claimedFormat, references, disk, passphrases = [] } = options;
  const place = { references, depth: 0, nesting: 0, disk, passphrases };
  return openAs('image', source, canonical(claimedFormat), contextOf(place));
}

interface Place {
  readonly references: ReferenceOpener;
  readonly depth: number;
  /** Images around this one. */
  readonly nesting: number;
  readonly disk: number | undefined;
  readonly passphrases: readonly Uint8Array[];
}

function contextOf(place: Place): ImageContext {
  const { references, depth, nesting, disk, passphrases } = place;
  return {
    references,
    depth,
    disk,
    passphrases,
    openReference(name, claimedFormat) {
      checkReferenceName(name);
      if (depth >= LONGEST_CHAIN) {
        const state = `chain is longer than ${LONGEST_CHAIN} files`;
        throw new DiskError('corrupt', `Cannot open backing file ${quote(name)}: ${state}`);
      }
      const source = references.open(name, depth);
      return openAs(
        `backing file ${quote(name)}`,
        source,
        canonical(claimedFormat),
        contextOf({ ...place, depth: depth + 1, disk: undefined }),
      );
    },
    openWithin(name, inner, options) {
      if (nesting >= DEEPEST_NESTING) {
        const state = `it lies within ${nesting + 1} others, expected at most ${DEEPEST_NESTING}`;
        throw new DiskError('corrupt', `Cannot open ${quote(name)}: ${state}`);
      }
      const within = { references: options.references, depth: depth + 1, nesting: nesting + 1, disk: undefined };
      return openAs(quote(name), inner, canonical(options.claimedFormat), contextOf({ ...within, passphrases }));
    },
  };
}

function canonical(claimed: string | undefined): string | undefined {
  const lower = claimed?.toLowerCase();
  return lower === undefined || lower === FORMAT_NOT_CLAIMED ? undefined : (FORMAT_ALIASES.get(lower) ?? lower);
}

function openAs(what: string, source: ByteSource, claimed: string | undefined, context: ImageContext): DiskImage {
  if (source.sizeBytes === 0) {
    throw new DiskError('corrupt', `Cannot open ${what}: it is empty`, { format: claimed ?? 'raw', offset: 0 });
  }
  const format = detectImageFormat(what, source);
  const found = format?.name ?? 'raw';
  if (claimed !== undefined && claimed !== found) {
    const content = format === undefined ? 'no known format' : found;
    const state = `content is ${content}, ${quote(claimed)} was claimed`;
    // what claims the format of a reference is the image that names it
    const kind = context.depth === 0 ? 'mismatch' : 'corrupt';
    throw new DiskError(kind, `Cannot open ${what}: ${state}`, { format: found, offset: 0 });
  }
  if (format !== undefined) return format.open(source, context);
  return openRaw(source, claimed === undefined ? ['raw by elimination: no known format matches'] : []);
}

/** The name of the one format that the content matches, `raw` when there is none. @throws DiskError `corrupt` when two match */
export function imageFormatOf(source: ByteSource): string {
  return detectImageFormat('image', source)?.name ?? 'raw';
}

/** The one format that the content matches; two would let two readers see two disks (security rule R3). */
function detectImageFormat(what: string, source: ByteSource): ImageFormat | undefined {
  const head = source.read(0, Math.min(HEAD_BYTES, source.sizeBytes));
  const tailBytes = Math.min(TAIL_BYTES, source.sizeBytes);
  const tail = source.read(source.sizeBytes - tailBytes, tailBytes);
  const matches = IMAGE_FORMATS.filter((format) => format.detect(head, tail));
  if (matches.length > 1) {
    const names = matches.map((format) => format.name).join(' and ');
    throw new DiskError('corrupt', `Cannot open ${what}: content matches ${names}, expected one format`, { offset: 0 });
  }
  return matches[0];
}
