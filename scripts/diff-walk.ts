// `npm run diff-walk -- IMAGE [--device D] (--mounted FOLDER | --loop)`: the files of an image as our reader shows them beside those that
// the kernel shows. Prints the differences; ends with 1 when there are any. `--loop` takes root: it mounts a scratch copy of the volume,
// so that the kernel may replay its journal. For images that one would mount by hand too: the kernel trusts what it mounts.
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  type ByteSource,
  createFileTree,
  denyReferences,
  extentsOf,
  FileSource,
  type FileSystem,
  openDisk,
  type Volume,
} from '@guestkit/disk';
import { type ListedFile, READ_BYTES } from '../test/support/listed-file.ts';
import { withMounted } from '../test/support/loop-mount.ts';
import { differences, LEFT_OUT } from '../test/support/tree-differences.ts';
import { listFolder, listTree } from '../test/support/tree-listing.ts';

const USAGE = `Usage: npm run diff-walk -- IMAGE [options] (--mounted FOLDER | --loop)
  --device D         which volume, as guestctl filesystems names it; needed where there are several
  --mounted FOLDER   compare with this folder, where the volume is mounted
  --loop             mount a scratch copy of the volume (takes root) and compare with that
  --leave-out A,B    fields not to compare: ${LEFT_OUT.join(',')} when not given
  --no-content       compare no content
  --limit N          how many differences to print: 20 when not given
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    device: { type: 'string' },
    mounted: { type: 'string' },
    loop: { type: 'boolean', default: false },
    'leave-out': { type: 'string' },
    'no-content': { type: 'boolean', default: false },
    limit: { type: 'string', default: '20' },
  },
});
const [image] = positionals;
if (image === undefined || (values.mounted === undefined) === !values.loop) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const listing = { content: !values['no-content'], onUnreadable };
const { source, fileSystem } = readable(image, values.device);
for (const warning of fileSystem.warnings) process.stdout.write(`warning: ${warning}\n`);
const ours = listTree(createFileTree(fileSystem), listing);
const theirs = values.mounted === undefined ? listMounted(source) : listFolder(values.mounted, listing);
const found = differences(ours, theirs, {
  limit: Number(values.limit),
  leaveOut: (values['leave-out']?.split(',') as (keyof ListedFile)[] | undefined) ?? LEFT_OUT,
});
for (const difference of found) process.stdout.write(`${difference}\n`);
process.stdout.write(`${fileSystem.type}: ${ours.length} files of ours, ${theirs.length} of the kernel's: `);
process.stdout.write(found.length === 0 ? 'no differences\n' : 'they differ\n');
process.exitCode = found.length === 0 ? 0 : 1;

function onUnreadable(file: string, error: Error): void {
  process.stdout.write(`${JSON.stringify(file)}: unreadable: ${error.message}\n`);
}

function readable(file: string, device: string | undefined): Volume & { readonly fileSystem: FileSystem } {
  const { volumes } = openDisk(new FileSource(openSync(file, 'r')), { references: denyReferences });
  const chosen = volumes.filter((volume) => (device === undefined ? volume.fileSystem : volume.device === device));
  const [volume] = chosen;
  if (volume?.fileSystem && chosen.length === 1) return { ...volume, fileSystem: volume.fileSystem };
  const state = volumes.map((known) => `${known.device} ${known.signature?.type ?? ''} ${known.error ?? ''}`);
  throw new Error(`Cannot choose a volume, expected one that can be read: ${state.join(', ')}`);
}

function listMounted(source: ByteSource): ListedFile[] {
  const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-diff-walk-'));
  try {
    const copy = path.join(folder, 'volume');
    copySparse(source, copy);
    const list = (mounted: string) => listFolder(mounted, listing);
    // a read-only loop device does not let a journal be replayed
    const files = withMounted(copy, 'ro', list) ?? withMounted(copy, 'rw,noatime', list);
    if (files !== undefined) return files;
    throw new Error(`Cannot mount ${image}: not root, or a filesystem that this kernel does not read`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function copySparse(source: ByteSource, file: string): void {
  const fd = openSync(file, 'w');
  ftruncateSync(fd, source.sizeBytes);
  for (const { kind, offset, length } of extentsOf(source, 0, source.sizeBytes)) {
    if (kind !== 'data') continue;
    for (let done = 0; done < length; done += READ_BYTES) {
      const bytes = source.read(offset + done, Math.min(READ_BYTES, length - done));
      if (bytes.some((byte) => byte !== 0)) writeSync(fd, bytes, 0, bytes.length, offset + done);
    }
  }
  closeSync(fd);
}
