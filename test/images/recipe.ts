/** What a disk is filled with. */
export type Content = 'structured' | 'random' | 'sparse';

/** `img`: arguments of qemu-img. `io`: format, image, then commands of qemu-io. `dense`: rewrites a file without its holes. `make`: an image
 * that no tool writes, with the files it refers to. */
export type Step =
  | readonly ['img', ...string[]]
  | readonly ['io', format: string, image: string, ...commands: string[]]
  | readonly ['dense', file: string]
  | readonly ['make', builder: HandMade];

export type HandMade = 'cowd' | 'sesparse' | 'stream';

/**
 * How our map compares with qemu's. `zeros` where it cannot be the same, because qemu maps all as data or sees holes of the file
 * itself: it covers the disk, and what we call zero or absent holds zeros only.
 */
export type MapRule = 'same' | 'zeros';

/** How one image of the matrix is made. The disk to put into it is `content.raw`, the image is `image`. */
export interface Recipe {
  readonly name: string;
  /** As qemu-img calls it. */
  readonly format: string;
  readonly content: Content;
  readonly sizeBytes: number;
  readonly steps: readonly Step[];
  readonly map: MapRule;
  /** Options by which qemu opens it, where it takes more than the format. The passphrase is the secret `key`. */
  readonly open?: string;
}
