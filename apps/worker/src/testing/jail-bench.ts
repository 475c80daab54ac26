import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { JailPool, type JailPoolOptions } from '../jail/pool.ts';
import type { RunLimits } from '../jail/seat.ts';
import type { JailReport, JailTask } from '../jail/task.ts';

/** For jails that have nothing real to do: they start in a quarter of the time. */
export const MISBEHAVING_RUNNERS = path.join(import.meta.dirname, 'misbehaving-runners.ts');
export const IMAGE_BYTES = Buffer.alloc(5 * 2 ** 20 + 17, 1);

/** A folder with an image of IMAGE_BYTES, and jails that may read it. */
export interface JailBench extends AsyncDisposable {
  readonly folder: string;
  readonly images: string;
  readonly results: string;
  readonly image: string;
  readonly pool: JailPool;
  startPool(options?: Partial<JailPoolOptions>): Promise<JailPool>;
  /** Runs one of misbehaving-runners.ts on the image. */
  run(operation: string, payload?: unknown, options?: RunOptions): Promise<JailReport>;
  /** A jail that is surely at work. */
  startSpinning(): Promise<{ readonly pid: number; readonly report: Promise<JailReport>; stop(): Promise<void> }>;
  /** Paths among the images where there is something odd. */
  readonly make: Readonly<Record<'link' | 'file', (content: string) => string>> & { fifo(): string };
}

export type RunOptions = Partial<RunLimits & Pick<JailTask, 'images' | 'output'>> & { readonly jails?: JailPool };

export async function openJailBench(): Promise<JailBench> {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-jail-test-'));
  const [images, results] = [path.join(folder, 'images'), path.join(folder, 'results')];
  for (const made of [images, results]) mkdirSync(made);
  const image = path.join(images, 'image.raw');
  writeFileSync(image, IMAGE_BYTES);
  const staging = { folder: path.join(folder, 'staging'), limitBytes: 2 ** 30 };
  const startPool = (options: Partial<JailPoolOptions> = {}) =>
    JailPool.start({ ...DEFAULTS, imageRoots: [images], outputRoots: [results], staging, ...options });
  const pool = await startPool({ slots: 2 });
  const run: JailBench['run'] = (operation, payload = null, options = {}) => {
    const { jails = pool, images = [{ path: image, format: 'raw' }], output, ...limits } = options;
    return jails.run({ operation, payload, images, output }, { ...LIMITS, ...limits });
  };
  return {
    ...{ folder, images, results, image, pool, startPool, run },
    startSpinning: () => startSpinning(run),
    make: makersIn(images),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true });
    },
  };
}

const DEFAULTS = {
  runnersModule: MISBEHAVING_RUNNERS,
  memoryMb: 128,
  asNobody: true,
  references: 'deny',
  maxDiskSizeGb: 0,
  slots: 1,
  killGraceMs: 200,
  onBroken: () => undefined,
} as const;

const LIMITS: RunLimits = {
  ...{ timeoutMs: 20_000, silenceMs: Infinity, progressMs: Infinity },
  signal: new AbortController().signal,
  onProgress: () => undefined,
  mayPublish: async () => true,
};

async function startSpinning(run: JailBench['run']) {
  const pid = Promise.withResolvers<number>();
  const stopper = new AbortController();
  const report = run('test.spin', null, {
    signal: stopper.signal,
    onProgress: ({ phase, message }) => phase === 'inspection' && pid.resolve(Number(message)),
  });
  const stop = async () => {
    stopper.abort();
    await report;
  };
  return { pid: await pid.promise, report, stop };
}

function makersIn(folder: string): JailBench['make'] {
  let made = 0;
  const nextPath = () => {
    made += 1;
    return path.join(folder, `made-${made}.raw`);
  };
  const at = (place: string, make: (place: string) => void) => {
    make(place);
    return place;
  };
  return {
    link: (target) => at(nextPath(), (place) => symlinkSync(target, place)),
    file: (content) => at(nextPath(), (place) => writeFileSync(place, content)),
    fifo: () => at(nextPath(), (place) => execFileSync('mkfifo', [place])),
  };
}
