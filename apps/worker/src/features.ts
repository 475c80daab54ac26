import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { FILE_SYSTEM_FORMATS } from '@guestkit/disk';

const run = promisify(execFile);

/** What the engine reads within containers, wherever it runs. */
const BUILT_IN: readonly string[] = ['gpt', 'mbr', ...FILE_SYSTEM_FORMATS.map(({ name }) => name)];

/** Tools of the host that operations may call for, and how to ask each whether it works. */
const TOOLS: Readonly<Record<string, readonly string[]>> = {
  'qemu-img': ['qemu-img', '--version'],
};

const ANSWER_WITHIN_MS = 5000;

/** What this host offers, found by asking: a tool that does not answer is not promised. */
export async function probeFeatures(): Promise<readonly string[]> {
  const tools = await Promise.all(
    Object.entries(TOOLS).map(async ([name, command]) => ((await answers(command)) ? [name] : [])),
  );
  return [...BUILT_IN, ...tools.flat()].sort();
}

function answers([file = '', ...args]: readonly string[]): Promise<boolean> {
  return run(file, args, { timeout: ANSWER_WITHIN_MS }).then(
    () => true,
    () => false,
  );
}
