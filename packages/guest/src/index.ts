export {
  type Answer,
  absent,
  type Collected,
  type Collector,
  collect,
  ok,
  type Shortfall,
  unsupported,
} from './collected.ts';
export {
  type CollectorReport,
  DEFAULT_INSPECT_OPTIONS,
  type ImageSummary,
  INSPECT_DOCUMENT_VERSION,
  type InspectDocument,
  type InspectOptions,
  type MountPoint,
  type OperatingSystem,
  type Section,
  type Storage,
  type StorageMount,
  type StoragePartition,
} from './document.ts';
export { GuestFiles } from './guest-files.ts';
export { inspectDisk } from './inspect.ts';
export type { Account, Accounts } from './linux/accounts/accounts.ts';
export type { KernelModules } from './linux/boot/kernel-modules.ts';
export type { Kernel, Kernels } from './linux/boot/kernels.ts';
export type { CloudInit } from './linux/cloud-init.ts';
export type { Firewall } from './linux/firewall.ts';
export type { LinuxIdentity } from './linux/identity/operating-system.ts';
export type { Locale } from './linux/locale.ts';
export type { NetworkInterface } from './linux/network/interface.ts';
export type { Network } from './linux/network/network.ts';
export type { InstalledPackage, PackageManager } from './linux/packages/package.ts';
export type { PackageList } from './linux/packages/packages.ts';
export type { Security } from './linux/security.ts';
export type { Services } from './linux/services.ts';
export type { SshServer } from './linux/ssh.ts';
export type { SystemdUnit, SystemdUnits, UnitFileState } from './linux/systemd/unit-state.ts';
export type { VmTools } from './linux/vm-tools.ts';
export { assembleRoot, type GuestRoot, type ResolvedEntry } from './root/assemble.ts';
export { cleanText } from './text.ts';
