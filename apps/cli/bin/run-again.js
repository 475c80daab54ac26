// Runs a command again on the Node of the repository. Plain JavaScript, because an old Node lands here.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';

const FORWARDED = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']);

/** @param {string} command @param {number} requiredMajor */
export function runOnOwnNode(command, requiredMajor) {
  runAgain(command, ownNode(command, requiredMajor));
}

/** The Node that `npm install` puts beside the other packages. @param {string} command @param {number} requiredMajor */
function ownNode(command, requiredMajor) {
  const paths = module.createRequire(import.meta.url).resolve.paths('node/bin/node') ?? [];
  const found = paths.map((folder) => path.join(folder, 'node', 'bin', 'node')).find(existsSync);
  if (found !== undefined) return found;
  process.stderr.write(
    `${command}: Cannot start: this is Node ${process.versions.node}, expected ${requiredMajor} or later; ` +
      '"npm install" in the repository brings it\n',
  );
  process.exit(1);
}

/** @param {string} command @param {string} node */
function runAgain(command, node) {
  const child = spawn(node, process.argv.slice(1), { stdio: 'inherit' });
  for (const signal of FORWARDED) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`${command}: Cannot start ${node}: ${error.message}\n`);
    process.exit(1);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    // die of what the child died of, so that a shell sees the truth
    for (const name of FORWARDED) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}
