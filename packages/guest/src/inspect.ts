import type { Disk } from '@guestkit/disk';
import { type Collected, type Collector, collect } from './collected.ts';
import {
  type CollectorReport,
  type ImageSummary,
  INSPECT_DOCUMENT_VERSION,
  type InspectDocument,
  type InspectOptions,
  type MountPoint,
  type OperatingSystem,
  type Section,
} from './document.ts';
import { readAccounts } from './linux/accounts/accounts.ts';
import { readArchitecture } from './linux/architecture.ts';
import { readKernelModules } from './linux/boot/kernel-modules.ts';
import { readKernels } from './linux/boot/kernels.ts';
import { readCloudInit } from './linux/cloud-init.ts';
import { firewallOf } from './linux/firewall.ts';
import { readHostname } from './linux/hostname.ts';
import { identifyLinux, UNKNOWN_LINUX } from './linux/identity/operating-system.ts';
import { readLocale } from './linux/locale.ts';
import { readMachineId } from './linux/machine-id.ts';
import { readNetwork } from './linux/network/network.ts';
import { packagesOf } from './linux/packages/packages.ts';
import { securityOf } from './linux/security.ts';
import { readUnits, servicesOf } from './linux/services.ts';
import { readSshServer } from './linux/ssh.ts';
import { readVmTools } from './linux/vm-tools.ts';
import { assembleRoot, type GuestRoot } from './root/assemble.ts';
import { describeStorage } from './storage.ts';
import { cleanFacts, cleanText } from './text.ts';

/** Collects what a disk says about itself and the guests on it. A disk without a guest is an answer: `operating_system` is null. */
export function inspectDisk(disk: Disk, options: InspectOptions): InspectDocument {
  const [main, ...others] = assembleRoot(disk).map((root) => new Inspection(root));
  const operatingSystem = main?.operatingSystem() ?? null;
  const sections = main && operatingSystem ? main.sections(operatingSystem, options) : {};
  return {
    version: INSPECT_DOCUMENT_VERSION,
    image: summarize(disk),
    operating_system: operatingSystem,
    operating_systems: operatingSystem ? [operatingSystem, ...others.map((other) => other.operatingSystem())] : [],
    mountpoints: cleanFacts(main?.mountpoints() ?? []),
    ...sections,
    ...(options.include_storage && { storage: { status: 'ok', ...cleanFacts(describeStorage(disk, main?.root)) } }),
    collectors: main?.reports() ?? {},
    warnings: withoutRepeats([...diskWarnings(disk), ...(main?.warnings() ?? []), ...ignoredOptions(options)]).map(
      cleanText,
    ),
  };
}

/** One guest, and what its collectors reported so far. */
class Inspection {
  readonly root: GuestRoot;
  readonly #reports = new Map<string, CollectorReport>();
  readonly #notes: string[] = [];

  constructor(root: GuestRoot) {
    this.root = root;
  }

  operatingSystem(): OperatingSystem {
    const identity = this.collect('operating_system', identifyLinux);
    return {
      ...(identity.status === 'ok' ? identity.value : UNKNOWN_LINUX),
      root: this.root.device,
      hostname: this.value('hostname', readHostname),
      arch: this.value('architecture', readArchitecture),
    };
  }

  sections(operatingSystem: OperatingSystem, options: InspectOptions) {
    const units = this.collect('systemd_units', readUnits);
    const services = this.collect('services', servicesOf(units));
    return {
      ...(options.include_packages && {
        packages: this.section('packages', packagesOf(operatingSystem.package_format)),
      }),
      ...(options.include_services && { services: sectionOf(services) }),
      ...(options.include_network && {
        network: { ...this.section('network', readNetwork), hostname: operatingSystem.hostname },
      }),
      ...(options.include_security && { security: this.section('security', securityOf(services)) }),
      ...(options.include_users && { users: this.section('users', readAccounts) }),
      kernels: this.section('kernels', readKernels),
      kernel_modules: this.section('kernel_modules', readKernelModules),
      systemd_units: sectionOf(units),
      machine_id: this.value('machine_id', readMachineId),
      cloud_init: this.section('cloud_init', readCloudInit),
      vm_tools: this.section('vm_tools', readVmTools),
      firewall: this.section('firewall', firewallOf(services)),
      ssh: this.section('ssh', readSshServer),
      locale: this.section('locale', readLocale),
    };
  }

  mountpoints(): readonly MountPoint[] {
    return this.root.mounts.map(({ path, device, fileSystem }) => ({
      mountpoint: path,
      device,
      fstype: fileSystem.type,
    }));
  }

  reports(): Readonly<Record<string, CollectorReport>> {
    return Object.fromEntries(this.#reports);
  }

  warnings(): readonly string[] {
    return [...this.root.warnings, ...this.#notes];
  }

  private collect<T>(name: string, collector: Collector<T>): Collected<T> {
    const collected = collect(this.root.tree, collector);
    const { status, sources } = collected;
    this.#reports.set(name, status === 'ok' ? { status, sources } : { status, reason: collected.reason, sources });
    this.#notes.push(...collected.notes);
    return collected;
  }

  private section<T extends object>(name: string, collector: Collector<T>): Section<T> {
    return sectionOf(this.collect(name, collector));
  }

  private value(name: string, collector: Collector<string>): string | null {
    const collected = this.collect(name, collector);
    return collected.status === 'ok' ? collected.value : null;
  }
}

function sectionOf<T extends object>(collected: Collected<T>): Section<T> {
  if (collected.status === 'ok') return { status: 'ok', ...collected.value };
  return { status: collected.status, reason: collected.reason, ...(collected.value as Partial<T>) };
}

function summarize({ image, table }: Disk): ImageSummary {
  const { format, details, virtual_size, file_size, chain } = image.facts;
  return {
    format,
    raw_by_elimination: details.raw_by_elimination === true,
    format_override: typeof details.format_override === 'string' ? details.format_override : null,
    virtual_size,
    file_size,
    partition_table: table?.scheme ?? null,
    chain: cleanFacts(chain),
  };
}

function diskWarnings(disk: Disk): readonly string[] {
  const volumes = disk.volumes.flatMap(({ device, fileSystem, error }) => [
    ...(fileSystem?.warnings ?? []).map((warning) => `${device}: ${warning}`),
    ...(error ? [error.message] : []),
  ]);
  return [...disk.image.facts.warnings, ...(disk.table?.warnings ?? []), ...volumes];
}

/** A volume that cannot be opened is told once more where it cannot be mounted: the longer text says both. */
function withoutRepeats(warnings: readonly string[]): readonly string[] {
  return warnings.filter(
    (warning, at) => !warnings.some((other, index) => index !== at && saysMore(other, warning, index < at)),
  );
}

function saysMore(other: string, warning: string, standsBefore: boolean): boolean {
  return other === warning ? standsBefore : other.includes(warning);
}

function ignoredOptions(options: InspectOptions): readonly string[] {
  return (['deep_scan', 'include_databases'] as const)
    .filter((name) => options[name])
    .map((name) => `The option '${name}' has no effect yet`);
}
