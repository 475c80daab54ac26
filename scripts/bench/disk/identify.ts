// Opens a disk again and again and says what is on it: `identify.ts IMAGE RUNS`. Prints the milliseconds of each run, and the memory.
import '../../../apps/cli/bin/young-generation.js';
import '@guestkit/core/start/resolve-sources';

// after that, as in guestctl: code that was compiled with other flags is compiled anew
const { denyReferences, FileSource, identifyVolume, openImage, readPartitionTable, WindowSource } = await import(
  '@guestkit/disk/image'
);

const [image = '', runs = '20'] = process.argv.slice(2);
const before = process.memoryUsage.rss();
const peaks: number[] = [];
const times: number[] = [];
let signature: unknown;
for (let run = 0; run < Number(runs); run++) {
  const start = performance.now();
  using source = FileSource.open(image);
  const disk = openImage(source, { references: denyReferences });
  const partition = readPartitionTable(disk)?.partitions[0];
  signature = partition && identifyVolume(new WindowSource(disk, partition.startBytes, partition.sizeBytes));
  times.push(performance.now() - start);
  peaks.push(process.resourceUsage().maxRSS * 1024);
}
process.stdout.write(JSON.stringify({ times, before, peaks, signature }));
