import { DiskError } from '../error.ts';
import { quote } from '../quote.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { KeyWork, type Unlocking } from '../volume/unlocking.ts';
import { type ChainFile, ChainRecorder } from './chain.ts';
import { claimsFormat } from './claim.ts';
import { FORMAT_ALIASES, IMAGE_FORMATS } from './formats.ts';
import type { DiskImage, ImageContext, ImageFormat, ReferenceOpener } from './image.ts';
import { OverriddenImage } from './overridden-image.ts';
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
  /**
   * Reads the image as what `claimedFormat` says though the content matches another format, or several (security rule R3): as raw, or
   * as one of those that match. Nothing that such an image names is opened, whatever `references` allow. Without a claim it does nothing.
   */
  readonly allowFormatOverride?: boolean | undefined;
  readonly references: ReferenceOpener;
  /** Which disk of an archive of several, counted from 1; the first when left out. */
  readonly disk?: number | undefined;
  /** Id or name of an internal snapshot (qcow2) to open in place of what the disk holds now. */
  readonly snapshot?: string | undefined;
  /** Passphrases and contents of key files for what is encrypted, to be tried in turn. */
  readonly passphrases?: readonly Uint8Array[];
}

/** An image, and every file that it is made of, itself first. */
export interface OpenedChain {
  readonly image: DiskImage;
  readonly files: readonly ChainFile[];
}

/** Opens a container by its content. @throws DiskError when it is damaged, unknown, or not what was claimed */
export function openImage(source: ByteSource, options: OpenImageOptions): DiskImage {
  return openChain(source, options).image;
}

/** Opens a container as openImage does, and tells what it is made of. */
export function openChain(
  source: ByteSource,
  options: OpenImageOptions,
  unlocking: Unlocking = { passphrases: options.passphrases ?? [], work: new KeyWork() },
): OpenedChain {
  const { claimedFormat, allowFormatOverride = false, references, disk, snapshot } = options;
  const recorder = new ChainRecorder();
  const place = { references, depth: 0, nesting: 0, disk, snapshot, unlocking, recorder };
  const claim = { format: canonical(claimedFormat), overrides: allowFormatOverride };
  const image = recorder.add(undefined, 0, source, () => openAs('image', source, claim, place));
  return { image, files: recorder.files };
}

interface Place {
  readonly references: ReferenceOpener;
  readonly depth: number;
  /** Images around this one. */
  readonly nesting: number;
  readonly disk: number | undefined;
  readonly snapshot: string | undefined;
  readonly unlocking: Unlocking;
  readonly recorder: ChainRecorder;
}

function contextOf(place: Place): ImageContext {
  const { references, depth, nesting, disk, snapshot, unlocking, recorder } = place;
  return {
    references: recorder.watch(references),
    depth,
    disk,
    snapshot,
    unlocking,
    openReference(name, claimedFormat) {
      checkReferenceName(name);
      if (depth >= LONGEST_CHAIN) {
        const state = `chain is longer than ${LONGEST_CHAIN} files`;
        throw new DiskError('corrupt', `Cannot open backing file ${quote(name)}: ${state}`);
      }
      const source = references.open(name, depth);
      const further = { ...place, ...NOTHING_CHOSEN, depth: depth + 1 };
      return recorder.add(name, depth + 1, source, () =>
        openAs(`backing file ${quote(name)}`, source, claimOfImage(claimedFormat), further),
      );
    },
    openWithin(name, inner, options) {
      if (nesting >= DEEPEST_NESTING) {
        const state = `it lies within ${nesting + 1} others, expected at most ${DEEPEST_NESTING}`;
        throw new DiskError('corrupt', `Cannot open ${quote(name)}: ${state}`);
      }
      const within = { references: options.references, depth: depth + 1, nesting: nesting + 1 };
      const further = { ...place, ...NOTHING_CHOSEN, ...within };
      return recorder.add(name, depth + 1, inner, () =>
        openAs(quote(name), inner, claimOfImage(options.claimedFormat), further),
      );
    },
  };
}

/** What the caller chose is of the image itself, not of what that refers to. */
const NOTHING_CHOSEN = { disk: undefined, snapshot: undefined };

/** What the format of an image is said to be. */
interface Claim {
  readonly format: string | undefined;
  /** Whether it decides where the content says otherwise. */
  readonly overrides: boolean;
}

/** What an image says of another is hostile, and never more than a hint. */
function claimOfImage(claimed: string | undefined): Claim {
  return { format: canonical(claimed), overrides: false };
}

function canonical(claimed: string | undefined): string | undefined {
  if (!claimsFormat(claimed)) return undefined;
  const lower = claimed.toLowerCase();
  return FORMAT_ALIASES.get(lower) ?? lower;
}

function openAs(what: string, source: ByteSource, claim: Claim, place: Place): DiskImage {
  if (source.sizeBytes === 0) {
    throw new DiskError('corrupt', `Cannot open ${what}: it is empty`, { format: claim.format ?? 'raw', offset: 0 });
  }
  const matches = matchingFormats(source);
  if (isOverridden(matches, claim)) return openOverridden(what, source, { matches, claim, place });
  const format = oneOf(what, matches);
  checkClaim(what, format, claim, place);
  const context = contextOf(place);
  checkChoice(what, format, context);
  if (format !== undefined) return format.open(source, context);
  return openRaw(source, { byElimination: claim.format === undefined });
}

function checkClaim(what: string, format: ImageFormat | undefined, { format: claimed }: Claim, place: Place): void {
  const found = format?.name ?? 'raw';
  if (claimed === undefined || claimed === found) return;
  const content = format === undefined ? 'no known format' : found;
  const state = `content is ${content}, ${quote(claimed)} was claimed`;
  // what claims the format of a reference is the image that names it
  const kind = place.depth === 0 ? 'mismatch' : 'corrupt';
  throw new DiskError(kind, `Cannot open ${what}: ${state}`, { format: found, offset: 0 });
}

/** Whether a claim decides what the content leaves open or contradicts. What does not match at all could not be read anyway. */
function isOverridden(matches: readonly ImageFormat[], { format: claimed, overrides }: Claim): boolean {
  if (!overrides || claimed === undefined) return false;
  if (claimed === 'raw') return matches.length > 0;
  return matches.length > 1 && matches.some(({ name }) => name === claimed);
}

interface Overriding {
  readonly matches: readonly ImageFormat[];
  readonly claim: Claim;
  readonly place: Place;
}

function openOverridden(what: string, source: ByteSource, { matches, claim, place }: Overriding): DiskImage {
  const format = matches.find(({ name }) => name === claim.format);
  const context = contextOf({ ...place, references: REFUSE_OF_OVERRIDDEN });
  checkChoice(what, format, context);
  const image = format === undefined ? openRaw(source) : format.open(source, context);
  return new OverriddenImage(image, namesOf(matches));
}

/** Whoever wrote what makes the content look like another format wrote its references too. */
const REFUSE_OF_OVERRIDDEN: ReferenceOpener = {
  open(name) {
    const state = 'the format of the image that names it was overridden';
    throw new DiskError('denied', `Cannot open reference ${quote(name)}: ${state}, expected it to stand alone`);
  },
};

/** The name of the one format that the content matches, `raw` when there is none. @throws DiskError `corrupt` when two match */
export function imageFormatOf(source: ByteSource): string {
  return oneOf('image', matchingFormats(source))?.name ?? 'raw';
}

/** An image that stands alone must not be taken for the one that was chosen. */
function checkChoice(what: string, format: ImageFormat | undefined, { disk = 1, snapshot }: ImageContext): void {
  const name = format?.name ?? 'raw';
  if (snapshot !== undefined && format?.holdsSnapshots !== true) {
    const message = `Cannot open snapshot ${quote(snapshot)} of ${what}: ${name} images hold none, expected qcow2`;
    throw new DiskError('unsupported', message, { format: name });
  }
  if (disk !== 1 && format?.holdsDisks !== true) {
    const message = `Cannot open disk ${disk} of ${what}: it is one disk (${name}), expected an archive of several`;
    throw new DiskError('not-found', message, { format: name });
  }
}

function matchingFormats(source: ByteSource): readonly ImageFormat[] {
  const head = source.read(0, Math.min(HEAD_BYTES, source.sizeBytes));
  const tailBytes = Math.min(TAIL_BYTES, source.sizeBytes);
  const tail = source.read(source.sizeBytes - tailBytes, tailBytes);
  return IMAGE_FORMATS.filter((format) => format.detect(head, tail));
}

/** The one format that the content matches; two would let two readers see two disks (security rule R3). */
function oneOf(what: string, matches: readonly ImageFormat[]): ImageFormat | undefined {
  if (matches.length <= 1) return matches[0];
  const state = `content matches ${namesOf(matches)}, expected one format`;
  throw new DiskError('corrupt', `Cannot open ${what}: ${state}`, { offset: 0 });
}

function namesOf(formats: readonly ImageFormat[]): string {
  return formats.map(({ name }) => name).join(' and ');
}
