// One measurement in a process of its own: `node measure.ts walk|list|read IMAGE`. Prints JSON.
import { openSync } from 'node:fs';
import type { FileTree } from '@guestkit/disk';
import '../../../apps/cli/bin/young-generation.js';

// after that, as in guestctl: code that was compiled with other flags is compiled anew
const { createFileTree, denyReferences, FileSource, openDisk, readBuffer, readInto } = await import('@guestkit/disk');

const [action = '', image = ''] = process.argv.slice(2);
const WARM_WALKS = 5;
const READ_BYTES = 2 ** 20;

/** How often, and what is counted: entries, or bytes. */
const ACTIONS: Readonly<Record<string, { readonly times: number; readonly run: (tree: FileTree) => number }>> = {
  walk: { times: 1 + WARM_WALKS, run: countFiles },
  list: { times: 1, run: (tree) => tree.list('/many').length },
  read: { times: 3, run: readLarge },
};

const chosen = ACTIONS[action];
if (chosen === undefined)
  throw new RangeError(`Cannot measure "${action}": expected ${Object.keys(ACTIONS).join(', ')}`);
const runs = Array.from({ length: chosen.times }, () => {
  const start = performance.now();
  const before = process.cpuUsage();
  // opened anew each time: what earlier runs kept is not measured
  const count = chosen.run(openTree(image));
  const { user, system } = process.cpuUsage(before);
  const rssKib = process.resourceUsage().maxRSS;
  return { count, ms: performance.now() - start, cpuMs: (user + system) / 1000, rssKib };
});
process.stdout.write(JSON.stringify(runs));

function openTree(file: string): FileTree {
  const { volumes } = openDisk(new FileSource(openSync(file, 'r')), { references: denyReferences });
  const [volume] = volumes;
  if (volume?.fileSystem === undefined) throw volume?.error ?? new Error('Cannot measure: no filesystem is read here');
  return createFileTree(volume.fileSystem);
}

function countFiles(tree: FileTree): number {
  let count = 0;
  // a list of all of them would be memory of this script, not of the reader
  for (const { node } of tree.walk()) count += node.stat.links > 0 ? 1 : 0;
  return count;
}

function readLarge(tree: FileTree): number {
  const content = tree.open('/large');
  const bytes = readBuffer(READ_BYTES);
  for (let offset = 0; offset < content.sizeBytes; offset += READ_BYTES) {
    readInto(content, offset, bytes.subarray(0, content.sizeBytes - offset));
  }
  return content.sizeBytes;
}
