// `npm run bench:fs [-- NAMES]`: walking, listing and reading filesystems beside other readers of the same images, in one run.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { median, printTable, type Row } from './figures.ts';
import { type Images, imagesOf, RECIPES, type Recipe } from './fs/recipes.ts';

const RUNS = 3;
const names = process.argv.slice(2);

for (const recipe of RECIPES) {
  if (names.length > 0 && !names.includes(recipe.name)) continue;
  const images = imagesOf(recipe);
  if (images === undefined)
    process.stdout.write(`\n${recipe.name}: not measured: it cannot be made here (${recipe.mkfs[0]}, mount, root)\n`);
  else
    printTable(
      `${recipe.name}: a tree of 12,000 entries, a folder of 100,000, a file of 512 MiB`,
      rowsOf(recipe, images),
    );
}

interface Measurement {
  readonly runs: readonly { readonly count: number; readonly ms: number }[];
  readonly rssKib: number;
}

function rowsOf(recipe: Recipe, images: Images): Row[] {
  const walk = measure('walk', images.tree);
  const list = measure('list', images.large);
  const read = measure('read', images.large);
  if (!walk || !list || !read) return [{ what: 'our reader', figure: 'does not read it', target: '', met: undefined }];
  const rate = (walk.runs[0]?.count ?? 0) / (median(walk.runs.slice(1).map(({ ms }) => ms)) / 1000);
  const listMs = list.runs[0]?.ms ?? Number.NaN;
  const speed = median(read.runs.map(({ count, ms }) => count / 1e6 / (ms / 1000)));
  const rssMib = Math.max(walk.rssKib, list.rssKib, read.rssKib) / 1024;
  return [
    row('walk, warm', `${Math.round(rate)} entries/s`, `≥ ${recipe.walkTarget}`, rate >= recipe.walkTarget),
    row('walk, the first in a process', `${Math.round(walk.runs[0]?.ms ?? Number.NaN)} ms`),
    row('folder of 100,000 listed, the first in a process', `${Math.round(listMs)} ms`, '≤ 1000 ms', listMs <= 1000),
    row('file read from raw', `${Math.round(speed)} MB/s`, '≥ 500 MB/s', speed >= 500),
    row('peak memory of these', `${Math.round(rssMib)} MiB`, '≤ 128 MiB', rssMib <= 128),
    ...processRows(recipe, images),
  ];
}

function row(what: string, figure: string, target = '', met?: boolean): Row {
  return { what, figure, target, met };
}

function measure(action: string, image: string): Measurement | undefined {
  const script = path.join(import.meta.dirname, 'fs/measure.ts');
  const { stdout, status } = spawnSync(process.execPath, [script, action, image], { encoding: 'utf8' });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

/** Whole processes that list every entry. */
function processRows({ others }: Recipe, { tree }: Images): Row[] {
  const guestctl = path.join(import.meta.dirname, '../../apps/cli/bin/guestctl.js');
  const own: readonly [string, ...string[]] = [process.execPath, guestctl, 'find', tree, '/'];
  const commands = [own, ...others(tree)];
  return commands.map((command) => {
    const name = command === own ? 'guestctl find' : command.slice(0, -1).join(' ');
    return row(`\`${name}\`, a process`, processTime(command));
  });
}

function processTime([command, ...args]: readonly [string, ...string[]]): string {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    const { status, error } = spawnSync(command, args, { stdio: 'ignore' });
    return error === undefined && status === 0 ? performance.now() - start : Number.NaN;
  });
  const ms = median(times);
  return Number.isNaN(ms) ? 'not installed, or failed' : `${Math.round(ms)} ms`;
}
