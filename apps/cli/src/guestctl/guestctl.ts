import type { ReferencePolicy } from '@guestkit/core/security/reference-policy';
import { type Command, Option } from 'commander';
import type { OutputFormat } from '../output/print.ts';
import { collect, createProgram, outputOption } from '../program.ts';

/** Options that every command on an image takes. */
export interface ImageOptions {
  readonly output: OutputFormat;
  readonly format?: string;
  readonly references: ReferencePolicy;
  readonly root?: readonly string[];
  readonly passphraseFile?: readonly string[];
  readonly keyFile?: readonly string[];
  readonly s3Endpoint?: string;
  readonly s3Region?: string;
  readonly verbose?: true;
}

export interface TreeOptions extends ImageOptions {
  readonly device?: string;
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
  imageCommand(program, 'info', 'container format, sizes and partition scheme').action(
    async (image: string, options: ImageOptions) => (await import('./info.ts')).info(image, options),
  );
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
  inspectCommand(program);
  return program;
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
    .addOption(
      new Option('--references <rule>', 'which files the image may name as its backing file')
        .choices(['deny', 'same-directory', 'roots'])
        .default('same-directory'),
    )
    .option('--root <folder>', 'folder for --references roots; may be repeated', collect)
    .option('--passphrase-file <file>', 'file whose first line opens what is encrypted; may be repeated', collect)
    .option('--key-file <file>', 'file all of whose bytes open what is encrypted; may be repeated', collect)
    .option('--s3-endpoint <url>', 'S3 service other than that of Amazon')
    .option('--s3-region <region>', "region of the bucket, where the SDK's own settings name none")
    .option('--verbose', 'tell where and how a failure came about');
}
