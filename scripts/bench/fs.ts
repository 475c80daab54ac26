// `npm run bench:fs [-- NAMES]`: walking, listing and reading filesystems beside other readers of the same images, in one run.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { type Contestant, contest, type Outcome } from './disk/contest.ts';
import { median, printTable, type Row } from './figures.ts';
import { type Images, imagesOf, RECIPES, type Recipe } from './fs/recipes.ts';

const RUNS = 3;
const COMPILE_CACHE = path.join(import.meta.dirname, '../../.guestkit/bench/compiled');
const names = process.argv.slice(2);
// no such action: it ends once its code is compiled and kept
measure('', '');

for (const recipe of RECIPES) {
  if (names.length > 0 && !names.includes(recipe.name)) continue;
  const images = imagesOf(recipe);
  if (images === undefined)
    process.stdout.write(`\n${recipe.name}: not measured: it cannot be made here (${recipe.mkfs[0]}, mount, root)\n`);
  else
    printTable(
      `${recipe.name}: a tree of 12,000 entries, a folder of 100,000, a file of 512 MiB`,
      await rowsOf(recipe, images),
    );
}

/** A run in a process of its own. Processor time is what is judged: it hardly depends on who else is running. */
interface Run {
  readonly count: number;
  readonly ms: number;
  readonly cpuMs: number;
  /** The most memory the process had until then. */
  readonly rssKib: number;
}

async function rowsOf(recipe: Recipe, images: Images): Promise<Row[]> {
  const walk = measure('walk', images.tree);
  const list = measure('list', images.large);
  const read = measure('read', images.large);
  if (!walk || !list || !read) return [{ what: 'our reader', figure: 'does not read it', target: '', met: undefined }];
  const [firstWalk, ...warmWalks] = walk;
  const [firstList] = list;
  const rate = (of: 'ms' | 'cpuMs') => median(warmWalks.map((run) => run.count / (run[of] / 1000)));
  const speed = (of: 'ms' | 'cpuMs') => median(read.map((run) => run.count / 1e6 / (run[of] / 1000)));
  const rssMib = Math.max(firstWalk.rssKib, firstList.rssKib, read[0].rssKib) / 1024;
  return [
    row(
      'walk, warm',
      `${whole(rate('cpuMs'))} entries/s (${whole(rate('ms'))} elapsed)`,
      `≥ ${recipe.walkTarget}`,
      rate('cpuMs') >= recipe.walkTarget,
    ),
    row('walk, the first in a process', times(firstWalk)),
    row('folder of 100,000 listed, the first in a process', times(firstList), '≤ 1000 ms', firstList.cpuMs <= 1000),
    row(
      'file read from raw',
      `${whole(speed('cpuMs'))} MB/s (${whole(speed('ms'))} elapsed)`,
      '≥ 500 MB/s',
      speed('cpuMs') >= 500,
    ),
    row('most memory of a process that does one of these', `${whole(rssMib)} MiB`, '≤ 128 MiB', rssMib <= 128),
    ...(await processRows(recipe, images)),
  ];
}

function row(what: string, figure: string, target = '', met?: boolean): Row {
  return { what, figure, target, met };
}

function times({ ms, cpuMs }: Outcome): string {
  return `${whole(cpuMs)} ms (${whole(ms)} elapsed)`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en');
}

function measure(action: string, image: string): [Run, ...Run[]] | undefined {
  const script = path.join(import.meta.dirname, 'fs/measure.ts');
  // as guestctl does: the compiler that strips types is memory of its own
  const env = { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE };
  const { stdout, status } = spawnSync(process.execPath, [script, action, image], { encoding: 'utf8', env });
  return status === 0 ? JSON.parse(stdout) : undefined;
}

/** Whole processes that list every entry. */
async function processRows({ others }: Recipe, { tree }: Images): Promise<Row[]> {
  const guestctl = path.join(import.meta.dirname, '../../apps/cli/bin/guestctl.js');
  const own: readonly [string, ...string[]] = [process.execPath, guestctl, 'find', tree, '/'];
  const rows: Row[] = [];
  for (const [command, ...args] of [own, ...others(tree)]) {
    const name = command === own[0] ? 'guestctl find' : [command, ...args.filter(isShort)].join(' ');
    rows.push(row(`\`${name}\`, a process`, await processTimes({ command, args })));
  }
  return rows;
}

/** Paths of this machine are no part of a name. */
function isShort(argument: string): boolean {
  return !path.isAbsolute(argument);
}

async function processTimes(command: Contestant): Promise<string> {
  if (spawnSync(command.command, ['--help'], { stdio: 'ignore' }).error !== undefined) return 'not installed';
  const { process: outcome } = await contest({ process: command }, RUNS);
  return times(outcome);
}
