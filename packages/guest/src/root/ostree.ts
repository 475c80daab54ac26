import { createFileTree, type FileTree } from '@guestkit/disk';
import { folderOf, type Mountable, mountAt } from './mountable.ts';
import type { RootCandidate } from './root-candidate.ts';
import { orElse } from './spoilt.ts';

// The deployments of an ostree system (ostree-system(7), "Deployments"): each is a whole root below
// /ostree/deploy/NAME/deploy/CHECKSUM.SERIAL of the filesystem that becomes /sysroot, and all of one NAME share a /var.

const DEPLOY = '/ostree/deploy';
const DEPLOYMENT_NAME = /^[0-9a-f]{64}\.\d{1,9}$/;
const MAX_DEPLOYMENTS = 64;
const MAX_BOOT_ENTRIES = 256;
const MAX_ENTRY_BYTES = 64 * 1024;

interface Deployment {
  readonly system: string;
  readonly path: string;
}

/** The deployment that starts by default, and what ostree mounts around it; none when there are no deployments. */
export function ostreeRoot(sysroot: Mountable, bootTrees: readonly FileTree[]): RootCandidate | undefined {
  const tree = createFileTree(sysroot.fileSystem);
  const found = deploymentsIn(tree);
  // most roots are none of ostree: the boot entries of all volumes are read for those that are
  if (found.length === 0) return undefined;
  const deployment = bootedDeployment(tree, bootTrees, found) ?? newest(tree, found);
  const root = deployment && tree.find(deployment.path);
  if (deployment === undefined || root === undefined) return undefined;
  const variable = tree.find(`${DEPLOY}/${deployment.system}/var`);
  return {
    root: folderOf(sysroot, root),
    beneath: [
      mountAt('/sysroot', sysroot),
      ...(variable?.stat.type === 'directory' ? [mountAt('/var', folderOf(sysroot, variable))] : []),
    ],
  };
}

function deploymentsIn(tree: FileTree): readonly Deployment[] {
  return tree
    .names(DEPLOY)
    .flatMap((system) =>
      tree
        .names(`${DEPLOY}/${system}/deploy`)
        .filter((name) => DEPLOYMENT_NAME.test(name))
        .map((name) => ({ system, path: `${DEPLOY}/${system}/deploy/${name}` })),
    )
    .slice(0, MAX_DEPLOYMENTS);
}

/** What the boot entry with the highest version names: `ostree=/ostree/boot.0/NAME/CHECKSUM/0`, a link to a deployment. */
function bootedDeployment(tree: FileTree, bootTrees: readonly FileTree[], found: readonly Deployment[]) {
  const readable = bootTrees.flatMap((boot) => orElse([], () => bootEntriesIn(boot)));
  const entries = readable.sort((one, other) => other.version - one.version);
  for (const { ostree } of entries) {
    const path = tree.realpath(ostree);
    const deployment = found.find((candidate) => candidate.path === path);
    if (deployment !== undefined) return deployment;
  }
  return undefined;
}

function newest(tree: FileTree, found: readonly Deployment[]): Deployment | undefined {
  const age = ({ path }: Deployment) => tree.stat(path).modifiedAt.seconds;
  return found.toSorted((one, other) => age(other) - age(one))[0];
}

interface BootEntry {
  readonly version: number;
  readonly ostree: string;
}

/** Entries of the Boot Loader Specification, type 1, on the filesystem of /boot or below the /boot of the root itself. */
function bootEntriesIn(tree: FileTree): readonly BootEntry[] {
  return ['/loader/entries', '/boot/loader/entries'].flatMap((folder) =>
    tree
      .names(folder)
      .filter((name) => name.endsWith('.conf'))
      .slice(0, MAX_BOOT_ENTRIES)
      .flatMap((name) => parseBootEntry(tree.readText(`${folder}/${name}`, MAX_ENTRY_BYTES) ?? '')),
  );
}

function parseBootEntry(text: string): readonly BootEntry[] {
  const ostree = /^options\s(?:.*\s)?ostree=(\S+)/m.exec(text)?.[1];
  if (ostree === undefined) return [];
  return [{ ostree, version: Number(/^version\s+(\d{1,9})\s*$/m.exec(text)?.[1] ?? 0) }];
}
