import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { unpackCommand } from '@guestkit/operations/staging/command';
import { type CompileCache, fillCompileCache } from './compile-cache.ts';
import { NOBODY } from './confine.ts';

// The command line of a jailed process: what Node and the tools of the host can put around it.

const run = promisify(execFile);

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const RESOLVE_SOURCES = fileURLToPath(
  new URL('../../../../packages/core/src/start/resolve-sources.ts', import.meta.url),
);
/** The program's own code. The jail gives up reading even this before it sees an image. */
const CODE = ['package.json', 'apps/worker/', 'packages/', 'node_modules/'].map((path) => ROOT + path);

/** The heap gets this much of the memory of an attempt; buffers need the rest. */
const HEAP_SHARE = 0.75;

export interface JailCommand {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Starts a process that unpacks an image, as the user of the jail. */
  readonly unpack: readonly string[];
  /** Program that changes the limits of a running jail, as the user of the jail: root may lack the right for other users. */
  readonly prlimit: readonly string[];
}

export interface JailCommandOptions {
  /** Module that exports `runners`. Tests name their own. */
  readonly runnersModule: string;
  /** What an attempt may use beyond what a jail has when it starts. */
  readonly memoryMb: number;
  /** When started as root, run jails as nobody. */
  readonly asNobody: boolean;
}

interface Wrapper {
  readonly argv: readonly string[];
  /** Whom the program runs as from its start. */
  readonly user: number | undefined;
}

const AS_NOBODY = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups'];
const UNPRIVILEGED = ['--no-new-privs', '--pdeathsig=KILL', '--'];

/** Strongest first: another user without any capability; no way to new privileges; nothing, where setpriv is missing. */
const WRAPPERS: readonly Wrapper[] = [
  {
    argv: ['setpriv', ...AS_NOBODY, '--inh-caps=-all', '--bounding-set=-all', ...UNPRIVILEGED],
    user: NOBODY,
  },
  { argv: ['setpriv', ...UNPRIVILEGED], user: undefined },
  { argv: [], user: undefined },
];

/** How to start a jail here, and the compiled code that it starts with. */
export async function prepareJails(
  options: JailCommandOptions,
): Promise<{ command: JailCommand; cache: CompileCache }> {
  const { runnersModule } = options;
  const asNobody = options.asNobody && process.getuid?.() === 0;
  const wrapper = await findWrapper(asNobody);
  const node = [...wrapper.argv, process.execPath, ...engineFlags(options), `--import=${RESOLVE_SOURCES}`];
  const cache = await fillCompileCache([...node, MAIN, runnersModule, 'warm-up'], wrapper.user);
  const permissions = permissionFlags([...CODE, runnersModule], cache.folder);
  const argv = [...node, ...permissions, MAIN, runnersModule, asNobody ? 'as-nobody' : 'as-is'];
  const prlimit = asNobody ? ['setpriv', ...AS_NOBODY, 'prlimit'] : ['prlimit'];
  const unpack = unpackCommand(wrapper.argv, { asNobody });
  return { command: { argv, env: cache.env, unpack, prlimit }, cache };
}

function engineFlags({ memoryMb }: JailCommandOptions): string[] {
  return [
    // node:sqlite of Node 26 opens files past the permission model
    '--no-experimental-sqlite',
    '--no-addons',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    '--disable-warning=SecurityWarning',
    // a rehearsal is short: what V8 learns of it should count from the first call on
    '--no-lazy-feedback-allocation',
    `--max-old-space-size=${Math.floor(memoryMb * HEAP_SHARE)}`,
  ];
}

function permissionFlags(code: readonly string[], cache: string): string[] {
  return [
    '--permission',
    ...[...code, cache].map((path) => `--allow-fs-read=${path}`),
    // Node reads a compile cache only where it might also write it; both are given up before the first byte of an image
    `--allow-fs-write=${cache}`,
  ];
}

async function findWrapper(asNobody: boolean): Promise<Wrapper> {
  for (const wrapper of WRAPPERS) {
    if (wrapper.user !== undefined && !asNobody) continue;
    if (await canLoadCode(wrapper)) return wrapper;
  }
  throw new Error(`Cannot start jails: Node cannot read ${MAIN}`);
}

/** Another user may not be allowed to read the program, or even Node: in a home folder, say. */
async function canLoadCode({ argv }: Wrapper): Promise<boolean> {
  const [file = '', ...args] = [...argv, process.execPath, '--eval', `fs.accessSync(${JSON.stringify(MAIN)})`];
  return run(file, args).then(
    () => true,
    () => false,
  );
}
