import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
/** The program's own code, which it gives up reading before it sees an image. */
const CODE = ['package.json', 'packages/', 'node_modules/'].map((path) => ROOT + path);
const HEAP_MIB = 256;

/** The command line of a process that unpacks, but for the name of the compression, behind what the host can put around it. */
export function unpackCommand(wrapper: readonly string[] = [], { asNobody = false } = {}): readonly string[] {
  return [
    ...wrapper,
    process.execPath,
    // node:sqlite of Node 26 opens files past the permission model
    '--no-experimental-sqlite',
    '--no-addons',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    '--disable-warning=SecurityWarning',
    `--max-old-space-size=${HEAP_MIB}`,
    '--permission',
    ...CODE.map((path) => `--allow-fs-read=${path}`),
    MAIN,
    asNobody ? 'as-nobody' : 'as-is',
  ];
}
