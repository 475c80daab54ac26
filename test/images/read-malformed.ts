// Reads images one after the other, as a process of its own whose memory is limited: one line of JSON each.

import { openCorpus } from '../../packages/disk/src/testing/corpus.ts';
import { endingOf } from '../fuzz/ending.ts';
import { readDisk } from '../fuzz/read-disk.ts';

for (const file of process.argv.slice(2)) {
  using source = openCorpus(file);
  // the image itself, unpacked into memory, is none of what reading it takes
  const before = process.resourceUsage().maxRSS;
  const { failure, cpuMs, signature } = endingOf({ read: readDisk }, source, {});
  const addedBytes = (process.resourceUsage().maxRSS - before) * 1024;
  const fault = failure instanceof Error ? failure.stack : failure;
  process.stdout.write(`${JSON.stringify({ file, fault, cpuMs: Math.round(cpuMs), addedBytes, signature })}\n`);
}
