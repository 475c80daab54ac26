// Makes a fresh clone ready: npm packages, and the system tools that a command needs. Plain JavaScript, because it runs
// before anything is installed, on whatever Node (20 or later) the machine has.
//
//   node scripts/setup.js            packages only
//   node scripts/setup.js demo       … and the tools of `npm run demo`
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** @typedef {{ command: string, apt: string, brew: string }} Tool */

/** @type {Tool} */
const REDIS = { command: 'redis-server', apt: 'redis-server', brew: 'redis' };
/** @type {Tool} */
const POSTGRES = { command: 'postgres', apt: 'postgresql', brew: 'postgresql@15' };
/** @type {readonly Tool[]} */
const DISK_TOOLS = [
  { command: 'qemu-img', apt: 'qemu-utils', brew: 'qemu' },
  { command: 'mke2fs', apt: 'e2fsprogs', brew: 'e2fsprogs' },
  { command: 'sgdisk', apt: 'gdisk', brew: 'gptfdisk' },
  { command: 'mkfs.vfat', apt: 'dosfstools', brew: 'dosfstools' },
  { command: 'mcopy', apt: 'mtools', brew: 'mtools' },
];
/** @type {readonly Tool[]} */
const TEST_TOOLS = [
  { command: 'debugfs', apt: 'e2fsprogs', brew: 'e2fsprogs' },
  { command: 'xz', apt: 'xz-utils', brew: 'xz' },
  { command: 'zstd', apt: 'zstd', brew: 'zstd' },
  { command: 'unzip', apt: 'unzip', brew: 'unzip' },
  { command: 'blkid', apt: 'util-linux', brew: 'util-linux' },
  { command: 'sfdisk', apt: 'fdisk', brew: 'util-linux' },
  { command: 'parted', apt: 'parted', brew: 'parted' },
  { command: 'setfattr', apt: 'attr', brew: 'attr' },
  { command: 'setfacl', apt: 'acl', brew: 'acl' },
  { command: 'mkfs.xfs', apt: 'xfsprogs', brew: 'xfsprogs' },
  { command: 'mkfs.btrfs', apt: 'btrfs-progs', brew: 'btrfs-progs' },
  { command: 'mkfs.exfat', apt: 'exfatprogs', brew: 'exfatprogs' },
  { command: 'mkntfs', apt: 'ntfs-3g', brew: 'ntfs-3g' },
  { command: 'wimcapture', apt: 'wimtools', brew: 'wimlib' },
  { command: 'fls', apt: 'sleuthkit', brew: 'sleuthkit' },
  { command: 'mdadm', apt: 'mdadm', brew: 'mdadm' },
  { command: 'vgcfgrestore', apt: 'lvm2', brew: 'lvm2' },
  { command: 'thin_restore', apt: 'thin-provisioning-tools', brew: 'thin-provisioning-tools' },
  { command: 'cryptsetup', apt: 'cryptsetup-bin', brew: 'cryptsetup' },
  { command: 'mksquashfs', apt: 'squashfs-tools', brew: 'squashfs' },
  { command: 'mkfs.erofs', apt: 'erofs-utils', brew: 'erofs-utils' },
  { command: 'xorriso', apt: 'xorriso', brew: 'xorriso' },
  { command: 'genisoimage', apt: 'genisoimage', brew: 'cdrtools' },
  { command: 'bsdtar', apt: 'libarchive-tools', brew: 'libarchive' },
  { command: 'nbdcopy', apt: 'libnbd-bin', brew: 'libnbd' },
];

/** Which tools each command of the README needs. @type {Record<string, readonly Tool[]>} */
const TOOLS_OF = {
  packages: [],
  start: [REDIS],
  demo: [REDIS, ...DISK_TOOLS],
  test: [REDIS, POSTGRES, ...DISK_TOOLS, ...TEST_TOOLS],
};

const purpose = process.argv[2] ?? 'packages';
const tools = TOOLS_OF[purpose];
if (tools === undefined)
  fail(`Cannot set up "${purpose}": unknown, expected one of ${Object.keys(TOOLS_OF).join(', ')}`);
installPackages();
installTools([...missingLibraries(), ...tools.filter((tool) => !isInstalled(tool.command))]);

function installPackages() {
  if (packagesAreCurrent()) return;
  say('installing npm packages (npm ci)');
  // inside `npm run` npm_execpath is the npm that runs us
  const npm = process.env.npm_execpath;
  const [command, ...args] = npm ? [process.execPath, npm] : ['npm'];
  run(
    command,
    [...args, 'ci', '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'],
    'Cannot install the npm packages',
  );
}

function packagesAreCurrent() {
  const installed = path.join(root, 'node_modules', '.package-lock.json');
  const lock = path.join(root, 'package-lock.json');
  return existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs;
}

/** The Node that npm installed links with a library that a bare system may lack. @returns {readonly Tool[]} */
function missingLibraries() {
  const node = path.join(root, 'node_modules', 'node', 'bin', 'node');
  if (spawnSync(node, ['--version'], { stdio: 'ignore' }).status === 0) return [];
  return [{ command: 'libatomic.so.1 (for Node 26)', apt: 'libatomic1', brew: 'node' }];
}

/** @param {readonly Tool[]} missing */
function installTools(missing) {
  if (missing.length === 0) return;
  if (process.platform === 'darwin' && isInstalled('brew')) {
    return run('brew', ['install', ...unique(missing.map((tool) => tool.brew))], 'Cannot install the tools with brew');
  }
  const packages = unique(missing.map((tool) => tool.apt));
  const asRoot = rootPrefix();
  if (!isInstalled('apt-get') || asRoot === undefined) {
    fail(
      `Cannot go on: ${missing.map((tool) => tool.command).join(', ')} not found. Install them first:\n` +
        `  Debian, Ubuntu: sudo apt-get install ${packages.join(' ')}\n` +
        `  macOS:          brew install ${unique(missing.map((tool) => tool.brew)).join(' ')}`,
    );
  }
  say(`installing ${packages.join(' ')} (apt-get)`);
  const [command, ...prefix] = [...asRoot, 'env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq'];
  // policy-rc.d is left alone: a redis-server that the package starts on its own port does not disturb our private one
  run(/** @type {string} */ (command), [...prefix, 'update'], 'Cannot update the package lists');
  run(
    /** @type {string} */ (command),
    [...prefix, 'install', '-y', '--no-install-recommends', ...packages],
    `Cannot install ${packages.join(', ')}`,
  );
}

/** What to put before a command to run it as root, or undefined when that needs a password. @returns {string[] | undefined} */
function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  return spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status === 0 ? ['sudo', '-n'] : undefined;
}

/** @param {string} command */
function isInstalled(command) {
  // the sbin folders hold mke2fs and sgdisk, and are not on every user's PATH
  const onPath = [...(process.env.PATH ?? '').split(path.delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return [...onPath, ...postgresFolders()].some((folder) => isExecutable(path.join(folder, command)));
}

/** Debian and Homebrew keep the programs of each version of PostgreSQL in a folder that is on nobody's PATH. */
function postgresFolders() {
  const debian = '/usr/lib/postgresql';
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  const brew = ['/opt/homebrew', '/usr/local'].map((prefix) => path.join(prefix, 'opt', POSTGRES.brew, 'bin'));
  return [...versions.map((version) => path.join(debian, version, 'bin')), ...brew];
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** @param {readonly string[]} names */
function unique(names) {
  return [...new Set(names)];
}

/** @param {string} command @param {readonly string[]} args @param {string} failure */
function run(command, args, failure) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0)
    fail(`${failure}: "${command} ${args.join(' ')}" ended with ${result.status ?? result.error}`);
}

/** @param {string} message */
function say(message) {
  process.stderr.write(`setup: ${message}\n`);
}

/** @param {string} message @returns {never} */
function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}
