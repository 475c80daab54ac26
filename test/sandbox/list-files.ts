// Run under the permission model by the test beside it: lists the files of images, one line of JSON each, and first shows that it can
// neither write a file nor start a process.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { createFileTree, FileSource, openDisk } from '@guestkit/disk';

const print = (value: unknown) => process.stdout.write(`${JSON.stringify(value)}\n`);

print([codeOf(() => writeFileSync(path.join(import.meta.dirname, 'written'), '')), codeOf(() => spawnSync('true'))]);
for (const image of process.argv.slice(2)) print(filesOf(image));

function codeOf(action: () => unknown): unknown {
  try {
    action();
    return 'allowed';
  } catch (error) {
    return error instanceof Error && 'code' in error ? error.code : String(error);
  }
}

function filesOf(image: string): readonly string[] {
  using source = FileSource.open(image);
  const references = { open: (name: string) => FileSource.open(path.join(path.dirname(image), path.basename(name))) };
  const disk = openDisk(source, { references, passphrases: [Buffer.from('correct horse')] });
  return disk.volumes.flatMap(({ fileSystem }) =>
    fileSystem === undefined ? [] : [...createFileTree(fileSystem).walk('/')].map((entry) => entry.path),
  );
}
