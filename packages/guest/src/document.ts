import type { Shortfall } from './collected.ts';
import type { Accounts } from './linux/accounts/accounts.ts';
import type { KernelModules } from './linux/boot/kernel-modules.ts';
import type { Kernels } from './linux/boot/kernels.ts';
import type { CloudInit } from './linux/cloud-init.ts';
import type { Firewall } from './linux/firewall.ts';
import type { LinuxIdentity } from './linux/identity/operating-system.ts';
import type { Locale } from './linux/locale.ts';
import type { Network } from './linux/network/network.ts';
import type { PackageList } from './linux/packages/packages.ts';
import type { Security } from './linux/security.ts';
import type { Services } from './linux/services.ts';
import type { SshServer } from './linux/ssh.ts';
import type { SystemdUnits } from './linux/systemd/unit-state.ts';
import type { VmTools } from './linux/vm-tools.ts';

// The inspect document. Member names are those that existing clients read; where a section could not be collected, its `status`
// and `reason` say so and the members it could not fill are left out.

export const INSPECT_DOCUMENT_VERSION = '1.0';

/** Which sections are asked for. */
export interface InspectOptions {
  readonly include_packages: boolean;
  readonly include_services: boolean;
  readonly include_users: boolean;
  readonly include_network: boolean;
  readonly include_security: boolean;
  readonly include_storage: boolean;
  /** Accepted from clients; nothing deeper is collected yet. */
  readonly deep_scan: boolean;
  /** Accepted from clients; database servers are not collected yet. */
  readonly include_databases: boolean;
}

export const DEFAULT_INSPECT_OPTIONS: InspectOptions = {
  include_packages: true,
  include_services: true,
  include_users: true,
  include_network: true,
  include_security: true,
  include_storage: true,
  deep_scan: false,
  include_databases: false,
};

export interface InspectDocument {
  readonly version: typeof INSPECT_DOCUMENT_VERSION;
  readonly image: ImageSummary;
  /** The main guest; `null` when the image holds none. */
  readonly operating_system: OperatingSystem | null;
  /** Every guest found, the main one first. */
  readonly operating_systems: readonly OperatingSystem[];
  readonly mountpoints: readonly MountPoint[];
  readonly packages?: Section<PackageList>;
  readonly services?: Section<Services>;
  readonly network?: Section<Network & { readonly hostname: string | null }>;
  readonly security?: Section<Security>;
  readonly storage?: Section<Storage>;
  readonly users?: Section<Accounts>;
  readonly kernels?: Section<Kernels>;
  readonly kernel_modules?: Section<KernelModules>;
  readonly systemd_units?: Section<SystemdUnits>;
  readonly machine_id?: string | null;
  readonly cloud_init?: Section<CloudInit>;
  readonly vm_tools?: Section<VmTools>;
  readonly firewall?: Section<Firewall>;
  readonly ssh?: Section<SshServer>;
  readonly locale?: Section<Locale>;
  /** How each collector fared, and the guest paths its facts come from. */
  readonly collectors: Readonly<Record<string, CollectorReport>>;
  readonly warnings: readonly string[];
}

/** A part of the document: whole when `ok`, else with what could be read all the same. */
export type Section<T> =
  | (T & { readonly status: 'ok' })
  | (Partial<T> & { readonly status: Shortfall; readonly reason: string });

export interface CollectorReport {
  readonly status: 'ok' | Shortfall;
  readonly reason?: string;
  readonly sources: readonly string[];
}

export interface ImageSummary {
  readonly format: string;
  /** It is read as raw because nothing known matches its content, not because anybody said so. */
  readonly raw_by_elimination: boolean;
  /** What its content matches, where it is read as the caller declared against that. */
  readonly format_override: string | null;
  /** Bytes. */
  readonly virtual_size: number;
  /** Bytes. */
  readonly file_size: number;
  readonly partition_table: 'gpt' | 'mbr' | 'bsd' | 'apm' | null;
  /** Backing files and other references, nearest first. */
  readonly chain: readonly string[];
}

export interface OperatingSystem extends LinuxIdentity {
  /** Volume of `/`. */
  readonly root: string;
  readonly hostname: string | null;
  /** Of the programs in it, as `uname -m` spells it. */
  readonly arch: string | null;
}

export interface MountPoint {
  readonly mountpoint: string;
  readonly device: string;
  readonly fstype: string;
}

export interface Storage {
  readonly count: number;
  readonly partitions: readonly StoragePartition[];
  readonly fstab: readonly StorageMount[];
}

/** A volume of the disk: a partition, or the whole disk where it has no table. Sizes in bytes. */
export interface StoragePartition {
  readonly device: string;
  readonly fstype: string | null;
  readonly uuid: string | null;
  readonly label: string | null;
  readonly size: number;
  readonly free: number | null;
  readonly mountpoint: string | null;
  readonly number: number | null;
  /** Type GUID or MBR type. */
  readonly type: string | null;
  readonly type_name: string | null;
  readonly name: string | null;
  readonly partuuid: string | null;
  readonly bootable: boolean;
  /** Why a known filesystem could not be opened. */
  readonly error: string | null;
}

/** A line of fstab; passwords in its options are left out. */
export interface StorageMount {
  readonly spec: string;
  readonly mountpoint: string;
  readonly fstype: string;
  readonly options: readonly string[];
  readonly dump: number;
  readonly pass: number;
  /** The volume of this image that the spec names. */
  readonly device: string | null;
}
