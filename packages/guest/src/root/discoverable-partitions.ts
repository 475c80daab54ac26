import type { FileTree, Volume } from '@guestkit/disk';

// The Discoverable Partitions Specification: what systemd mounts by partition type where fstab says nothing.

const EFI_SYSTEM = 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B';

const MOUNT_POINTS = new Map([
  ['BC13C2FF-59E6-4262-A352-B275FD6F7172', '/boot'],
  ['933AC7E1-2EB4-4F13-B844-0E14E2AEF915', '/home'],
  ['3B8F8425-20E0-4F3B-907F-1A25A76F98E8', '/srv'],
  ['4D21B016-B534-45C2-A9FB-5C16E091FD2D', '/var'],
  ['7EC6F557-3BC5-4ACA-B293-16EF5DF639D1', '/var/tmp'],
  // /usr of x86, x86-64, arm, arm64, loongarch64, ppc64le, riscv64, s390x
  ['75250D76-8CC6-458E-BD66-BD47CC81A812', '/usr'],
  ['8484680C-9521-48C6-9C11-B0720656F69E', '/usr'],
  ['7D0359A3-02B3-4F0A-865C-654403E70625', '/usr'],
  ['B0E01050-EE5F-4390-949A-9101B17104E9', '/usr'],
  ['E611C702-575C-4CBE-9A46-434FA0BF7E3F', '/usr'],
  ['15BB03AF-77E7-4D4A-B12B-C0D084F7491C', '/usr'],
  ['BEAEC34B-8442-439B-A40B-984381ED097D', '/usr'],
  ['8A4F5770-50AA-4ED3-874A-99B710DB6FEA', '/usr'],
]);

// attribute bit 63: do not mount by itself
const NO_AUTO = 1n << 63n;

export function isEfiSystem(volume: Volume): boolean {
  return volume.partition?.type === EFI_SYSTEM;
}

/** Where this volume belongs in the tree by its partition type alone; `undefined` when nowhere. */
export function discoverableMountPoint(volume: Volume, tree: FileTree): string | undefined {
  const partition = volume.partition;
  if (!partition || (BigInt(partition.attributes ?? 0) & NO_AUTO) !== 0n) return undefined;
  if (isEfiSystem(volume)) return efiMountPoint(tree);
  return MOUNT_POINTS.get(partition.type);
}

/** The specification's places, and before them the one where most distributions put it. */
function efiMountPoint(tree: FileTree): string | undefined {
  return ['/boot/efi', '/efi', '/boot'].find((path) => tree.exists(path) && tree.names(path).length === 0);
}
