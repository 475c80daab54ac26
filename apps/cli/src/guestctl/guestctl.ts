import type { ReferencePolicy } from '@guestkit/core/security/reference-policy';
import { type Command, Option } from 'commander';
import type { OutputFormat } from '../output/print.ts';
import { collect, createProgram, outputOption, wholeNumber } from '../program.ts';
import type { DrawTreeOptions } from './draw-tree.ts';
import type { DuOptions } from './du.ts';
import type { ExtractOptions } from './extract/extract.ts';
import type { FindOptions } from './find.ts';
import { parsePermissions, parseSize, parseTime, parseTypes } from './find-arguments.ts';
import type { StatOptions } from './stat.ts';

const DEFAULT_STAGING_LIMIT = 64 * 2 ** 30;

/** Options that every command on an image takes. */
export interface ImageOptions {
  readonly output: OutputFormat;
  readonly format?: string;
  readonly allowFormatOverride?: true;
  readonly references: ReferencePolicy;
  readonly root?: readonly string[];
  readonly passphraseFile?: readonly string[];
  readonly keyFile?: readonly string[];
  readonly snapshot?: string;
  readonly disk?: number;
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  readonly stagingLimit: number;
  readonly stagingDir?: string;
  readonly verbose?: true;
}

/** Of a command about one device: what the device is chosen for is its own affair. */
export interface DeviceOptions extends ImageOptions {
  readonly device?: string;
}

export type TreeOptions = DeviceOptions;

export interface InfoOptions extends ImageOptions {
  readonly chain?: true;
  readonly manifest?: true;
}

export interface ServeOptions extends DeviceOptions {
  readonly socket: string;
}

export interface ListingOptions extends TreeOptions {
  readonly recursive?: true;
}

export interface InspectCommandOptions extends ImageOptions {
  readonly packages: boolean;
  readonly services: boolean;
  readonly users: boolean;
  readonly network: boolean;
  readonly security: boolean;
  readonly storage: boolean;
}

/** The local command line: what is in a disk image, with no cluster, no mount and no root. Each command loads only what it needs. */
export function createGuestctl(): Command {
  const program = createProgram('guestctl', 'Look into a VM disk image without booting, mounting or trusting it');
  imageCommand(program, 'info', 'container format, sizes, snapshots and partition scheme')
    .option('--chain', 'every file that the image is made of')
    .option('--manifest', 'compare every file of an archive (OVA) with its manifest')
    .action(async (image: string, options: InfoOptions) => (await import('./info.ts')).info(image, options));
  imageCommand(program, 'filesystems', 'partitions and filesystems').action(
    async (image: string, options: ImageOptions) => (await import('./filesystems.ts')).filesystems(image, options),
  );
  treeCommand(program, 'ls', 'files in a folder')
    .argument('[path]', 'absolute path in the guest', '/')
    .option('-R, --recursive', 'everything below the folder too')
    .action(async (image: string, path: string, options: ListingOptions) =>
      (await import('./ls.ts')).ls(image, path, options),
    );
  treeCommand(program, 'cat', 'the content of a file')
    .argument('<path>', 'absolute path in the guest')
    .action(async (image: string, path: string, options: TreeOptions) =>
      (await import('./cat.ts')).cat(image, path, options),
    );
  treeCommand(program, 'hash', 'SHA-256 of files, with owners, modes and link targets')
    .argument('[path]', 'absolute path in the guest', '/')
    .option('-R, --recursive', 'everything below the folder too')
    .action(async (image: string, path: string, options: ListingOptions) =>
      (await import('./hash.ts')).hash(image, path, options),
    );
  fileCommands(program);
  inspectCommand(program);
  bytesCommands(program);
  return program;
}

/** Commands that look at files without printing what is in them, or copy them to this host. */
function fileCommands(program: Command): void {
  findCommand(program);
  treeCommand(program, 'stat', 'all that the filesystem keeps of a file: owner, times, attributes, streams')
    .argument('<path>', 'absolute path in the guest')
    .option('-L, --dereference', 'of what a link leads to')
    .action(async (image: string, path: string, options: StatOptions) =>
      (await import('./stat.ts')).stat(image, path, options),
    );
  treeCommand(program, 'tree', 'files and folders, drawn as a tree')
    .argument('[path]', 'absolute path in the guest', '/')
    .option('--depth <levels>', 'how far down', wholeNumber(0))
    .option('--directories', 'folders only')
    .action(async (image: string, path: string, options: DrawTreeOptions) =>
      (await import('./draw-tree.ts')).drawTree(image, path, options),
    );
  treeCommand(program, 'du', 'what folders hold: bytes, bytes stored, files')
    .argument('[path]', 'absolute path in the guest', '/')
    .option('--depth <levels>', 'how far down folders have a line of their own', wholeNumber(0), 1)
    .action(async (image: string, path: string, options: DuOptions) =>
      (await import('./du.ts')).du(image, path, options),
    );
  treeCommand(program, 'extract', 'copy files and folders into a new folder of this host')
    .argument('<path...>', 'absolute paths in the guest')
    .requiredOption('--to <folder>', 'folder to write into, new or empty')
    .option('--owners', 'keep the owners of the guest (takes root)')
    .option('--links', 'make links that lead out of what is extracted too')
    .option('--limit-bytes <bytes>', 'write no more than that', wholeNumber(0), 100 * 2 ** 30)
    .action(async (image: string, paths: readonly string[], options: ExtractOptions) =>
      (await import('./extract/extract.ts')).extract(image, paths, options),
    );
}

function findCommand(program: Command): void {
  treeCommand(program, 'find', 'files by name, type, size, time, owner or mode')
    .argument('[path]', 'absolute path in the guest', '/')
    .option('--name <glob>', 'what the last part of the path looks like: *.conf')
    .option('--iname <glob>', 'the same, in upper or lower case')
    .option('--path <glob>', 'what the whole path looks like: /etc/**/*.conf')
    .option('--type <letters>', 'f, d, l, c, b, p or s; several with commas', parseTypes)
    .option('--size <size>', '+10M: at least that, -4k: at most, 512: exactly', parseSize)
    .option('--since <time>', 'modified at or after it', parseTime)
    .option('--until <time>', 'modified before it', parseTime)
    .option('--uid <number>', 'owned by this user', wholeNumber(0))
    .option('--gid <number>', 'owned by this group', wholeNumber(0))
    .option('--perm <octal>', 'all of these bits are set: 4000, 0002', parsePermissions)
    .option('--max-depth <levels>', 'how far down', wholeNumber(0))
    .option('-l, --long', 'with owners, sizes and times')
    .option('-0, --print0', 'the bytes of each path, with a NUL after it')
    .action(async (image: string, path: string, options: FindOptions) =>
      (await import('./find.ts')).find(image, path, options),
    );
}

/** What is done to a disk, or to one of its volumes, as a run of bytes. */
function bytesCommands(program: Command): void {
  deviceCommand(program, 'map', 'which ranges of the disk are stored').action(
    async (image: string, options: DeviceOptions) => (await import('./map.ts')).map(image, options),
  );
  deviceCommand(program, 'checksum', 'SHA-256 of the disk as a guest sees it').action(
    async (image: string, options: DeviceOptions) => (await import('./checksum.ts')).checksum(image, options),
  );
  deviceCommand(program, 'serve', 'offer the disk for reading over NBD, until Ctrl-C or SIGTERM')
    .requiredOption('--socket <path>', 'unix socket to make, for the same user only')
    .action(async (image: string, options: ServeOptions) => (await import('./serve.ts')).serve(image, options));
}

function deviceCommand(program: Command, name: string, description: string): Command {
  return imageCommand(program, name, description).option(
    '--device <device>',
    'a volume, such as /dev/sda2 or /dev/group/volume, in place of the disk',
  );
}

function inspectCommand(program: Command): void {
  const parts = ['packages', 'services', 'users', 'network', 'security', 'storage'];
  const command = imageCommand(program, 'inspect', 'the operating system in the image and what it holds');
  for (const part of parts) command.option(`--no-${part}`, `leave ${part} out`);
  command.action(async (image: string, options: InspectCommandOptions) =>
    (await import('./inspect.ts')).inspect(image, options),
  );
}

function treeCommand(program: Command, name: string, description: string): Command {
  return imageCommand(program, name, description).option(
    '--device <device>',
    'the filesystem to read, such as /dev/sda2 (default: the only one, or the guest as it would mount itself)',
  );
}

function imageCommand(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .argument('<image>', 'disk image: a file, http(s)://…, or s3://BUCKET/KEY')
    .addOption(outputOption())
    .option('--format <format>', 'what the container is said to be; it is refused when it is something else')
    .option('--allow-format-override', 'read it as --format says all the same, and open nothing that it names')
    .addOption(
      new Option('--references <rule>', 'which files the image may name as its backing file')
        .choices(['deny', 'same-directory', 'roots'])
        .default('same-directory'),
    )
    .option('--root <folder>', 'folder for --references roots; may be repeated', collect)
    .option('--passphrase-file <file>', 'file whose first line opens what is encrypted; may be repeated', collect)
    .option('--key-file <file>', 'file all of whose bytes open what is encrypted; may be repeated', collect)
    .option('--snapshot <name>', 'name or id of an internal snapshot (qcow2) to read in place of the present')
    .option('--disk <number>', 'which disk of an archive (OVA) of several (default: the first)', wholeNumber(1))
    .option('--s3-endpoint <url>', 'S3 service other than that of Amazon')
    .option('--s3-region <region>', "region of the bucket, where the SDK's own settings name none")
    .option(
      '--staging-limit <bytes>',
      'data to store, at most, of an image that is packed by gzip, xz or zstd',
      wholeNumber(1),
      DEFAULT_STAGING_LIMIT,
    )
    .option('--staging-dir <folder>', 'where to store that (default: the folder for temporary files)')
    .option('--verbose', 'tell where and how a failure came about');
}
