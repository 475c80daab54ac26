import { execFileSync } from 'node:child_process';
import { createCipheriv } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cowd, descriptor, seSparse, stream } from '../../packages/disk/src/image/vmdk/testing.ts';
import { writeStructured } from '../../packages/disk/src/testing/qemu-folder.ts';
import type { Content, HandMade, Recipe, Step } from './recipe.ts';

const KEY = ['--object', 'secret,id=key,data=correct horse'];
/** qemu-img times its key derivation, and where the machine is too busy for that, it makes no image. */
const MOST_TRIES = 5;

/** Where images are made by their recipes, one after the other. */
export class Kitchen {
  readonly #contents = mkdtempSync(path.join(tmpdir(), 'guestkit-matrix-'));
  readonly #made = new Set<string>();

  /** Makes an image in a folder of its own, which goes when the action is over. */
  cook<Result>(recipe: Recipe, action: (dish: Dish) => Result): Result {
    const folder = mkdtempSync(path.join(this.#contents, 'image-'));
    try {
      copyFileSync(this.#content(recipe.content, recipe.sizeBytes), path.join(folder, 'content.raw'));
      for (const step of recipe.steps) followStep(folder, step);
      return action(new Dish(folder, recipe));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  close(): void {
    rmSync(this.#contents, { recursive: true });
  }

  #content(content: Content, sizeBytes: number): string {
    const file = path.join(this.#contents, `${content}-${sizeBytes}.raw`);
    if (!this.#made.has(file)) FILL[content](file, sizeBytes);
    this.#made.add(file);
    return file;
  }
}

const FILL: Readonly<Record<Content, (file: string, sizeBytes: number) => void>> = {
  structured: (file, sizeBytes) => writeStructured(file, sizeBytes),
  // the same bytes every time, and none that compress
  random: (file, sizeBytes) =>
    writeFileSync(
      file,
      createCipheriv('aes-128-ctr', Buffer.alloc(16, 7), Buffer.alloc(16)).update(Buffer.alloc(sizeBytes)),
    ),
  sparse: (file, sizeBytes) => {
    writeFileSync(file, '');
    truncateSync(file, sizeBytes);
  },
};

function followStep(folder: string, step: Step): void {
  const [tool, ...args] = step;
  if (tool === 'img') retrying(() => run(folder, 'qemu-img', args));
  else if (tool === 'io') {
    const [format = '', image = '', ...commands] = args;
    run(folder, 'qemu-io', ['-f', format, ...commands.flatMap((command) => ['-c', command]), image]);
  } else if (tool === 'dense') {
    const file = path.join(folder, args[0] ?? '');
    writeFileSync(file, readFileSync(file));
  } else {
    const files = HAND_MADE[args[0] as HandMade]();
    for (const [name, bytes] of Object.entries(files)) writeFileSync(path.join(folder, name), bytes);
  }
}

const filled = (value: number, sizeBytes: number) => Buffer.alloc(sizeBytes, value);

const extent = (line: string, createType: string) => descriptor({ createType, extents: [line] });

const HAND_MADE: Readonly<Record<HandMade, () => Readonly<Record<string, Buffer>>>> = {
  cowd: () => ({
    image: extent('RW 6001 VMFSSPARSE "cowd.vmdk"', 'vmfsSparse'),
    'cowd.vmdk': cowd({ 0: filled(1, 512), 5: filled(2, 512), 4097: filled(3, 512) }, 6001),
  }),
  sesparse: () => ({
    image: extent('RW 65536 SESPARSE "se.vmdk"', 'seSparse'),
    'se.vmdk': seSparse({ 0: filled(1, 4096), 3: 2, 4: 1, 5000: filled(4, 4096) }, 65_536),
  }),
  stream: () => ({ image: stream({ 0: filled(1, 8192), 2: filled(2, 8192), 600: filled(3, 8192) }, 16_384) }),
};

function retrying(action: () => void): void {
  for (let tries = 1; ; tries++) {
    try {
      action();
      return;
    } catch (error) {
      if (tries === MOST_TRIES || !String(error).includes('Unable to')) throw error;
    }
  }
}

function run(cwd: string, command: string, args: readonly string[]): Buffer {
  return execFileSync(command, args, { cwd, stdio: 'pipe' });
}

interface MapEntry {
  readonly start: number;
  readonly length: number;
  readonly present: boolean;
  readonly data: boolean;
}

/** An image that was made, and what qemu-img says of it. */
export class Dish {
  readonly folder: string;
  readonly file: string;
  readonly #open: readonly string[];

  constructor(folder: string, { format, open }: Recipe) {
    this.folder = folder;
    const name = format === 'raw' ? 'content.raw' : 'image';
    this.file = path.join(folder, name);
    this.#open = open === undefined ? ['-f', format, name] : [...KEY, '--image-opts', open];
  }

  bytes(): Buffer {
    run(this.folder, 'qemu-img', ['convert', '-O', 'raw', ...this.#open, 'answer.raw']);
    return readFileSync(path.join(this.folder, 'answer.raw'));
  }

  map(): readonly MapEntry[] {
    return JSON.parse(run(this.folder, 'qemu-img', ['map', '--output=json', ...this.#open]).toString());
  }
}
