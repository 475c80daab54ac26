import type { InspectDocument, Section, StoragePartition } from '@guestkit/guest';
import { printable } from '../report/printable.ts';
import { formatBytes } from '../report/size.ts';
import { renderTable } from '../report/table.ts';

const LISTED = 8;
const TITLE_WIDTH = 12;
const LINE_WIDTH = 110;

/** What an inspection found, for people: the essence of each section, plain text without colour. */
export function renderInspectReport(document: InspectDocument): string {
  const parts = [
    ...heading(document),
    ...storage(document),
    ...software(document),
    ...access(document),
    ...surroundings(document),
    ...document.warnings.map((text) => line('note', text)),
  ];
  return parts.join('');
}

function heading({
  operating_system: system,
  operating_systems,
  image,
  machine_id,
}: InspectDocument): readonly string[] {
  const disk = [
    `${image.format}, ${formatBytes(image.virtual_size)}`,
    ...image.chain.map((name) => `on top of ${name}`),
  ];
  if (system === null) return [line('disk', disk.join(', ')), line('system', 'none found')];
  const name = system.product_name ?? system.distribution;
  return [
    `${printable(name)}\n\n`,
    line('system', [system.distribution, system.version ?? 'rolling'].join(' ')),
    line('hostname', system.hostname),
    line('arch', system.arch),
    line('machine id', machine_id),
    line('disk', `${disk.join(', ')}, partition table ${image.partition_table ?? 'none'}`),
    ...operating_systems
      .slice(1)
      .map((other) => line('also', `${other.product_name ?? other.distribution} on ${other.root}`)),
  ];
}

function storage({ storage: section, mountpoints }: InspectDocument): readonly string[] {
  const mounts = mountpoints.map(({ mountpoint, device, fstype }) => `${mountpoint} (${device}, ${fstype})`);
  const mounted = line('mounts', mounts.join(', '));
  if (section?.partitions === undefined) return [mounted, ...shortfall('storage', section)];
  return [mounted, '\n', indent(renderTable(PARTITION_COLUMNS, section.partitions)), '\n'];
}

const PARTITION_COLUMNS = [
  { title: 'DEVICE', cell: (partition: StoragePartition) => partition.device },
  { title: 'SIZE', align: 'right', cell: (partition: StoragePartition) => formatBytes(partition.size) },
  { title: 'FREE', align: 'right', cell: ({ free }: StoragePartition) => (free === null ? null : formatBytes(free)) },
  { title: 'FILESYSTEM', cell: (partition: StoragePartition) => partition.fstype },
  { title: 'LABEL', cell: (partition: StoragePartition) => partition.label },
  { title: 'MOUNTED ON', cell: (partition: StoragePartition) => partition.mountpoint },
  { title: 'TYPE', cell: (partition: StoragePartition) => partition.type_name ?? partition.type },
] as const;

function software({ packages, services, kernels }: InspectDocument): readonly string[] {
  const installed = packages?.installed?.map(({ name, version }) => `${name} ${version}`);
  return [
    ...shortfall('kernels', kernels),
    line(
      'kernels',
      kernels?.installed?.map((version) => (version === kernels.default ? `${version} (default)` : version)).join(', '),
    ),
    ...shortfall('packages', packages),
    ...(installed ? [line('packages', `${counted(packages?.count, packages?.manager)}: ${sample(installed)}`)] : []),
    ...shortfall('services', services),
    ...(services?.enabled_services
      ? [line('services', `${counted(services.count, services.init_system)}: ${sample(services.enabled_services)}`)]
      : []),
  ];
}

function access({ users, ssh, security, firewall }: InspectDocument): readonly string[] {
  const people = users?.accounts?.filter(({ login }) => login).map(({ name, uid }) => `${name} (${uid})`);
  const walls = firewall && [
    firewall.ufw?.enabled && 'ufw',
    firewall.firewalld && 'firewalld',
    firewall.nftables && 'nftables',
    firewall.iptables && 'iptables',
  ];
  return [
    ...shortfall('users', users),
    ...(people ? [line('users', `${users?.count}, of them with a login shell: ${sample(people)}`)] : []),
    ...(ssh?.permit_root_login === undefined
      ? []
      : [line('ssh', `root login ${ssh.permit_root_login}, passwords ${ssh.password_auth}`)]),
    ...(security?.selinux ? [line('selinux', security.selinux.status)] : []),
    ...(walls ? [line('firewall', walls.filter(Boolean).join(', ') || 'none')] : []),
  ];
}

function surroundings({ network, cloud_init, vm_tools, locale }: InspectDocument): readonly string[] {
  const interfaces = network?.interfaces?.map(({ name, method, addresses }) => [name, method, ...addresses].join(' '));
  return [
    ...shortfall('network', network),
    line('network', interfaces?.join(', ')),
    line('dns', network?.dns_servers?.join(', ')),
    line('timezone', locale?.timezone),
    ...(cloud_init?.present ? [line('cloud-init', cloud_init.enabled ? 'enabled' : 'disabled')] : []),
    line('vm tools', vm_tools?.detected?.join(', ')),
  ];
}

/** Says why a section is missing or partial; what was not asked for is no shortfall. */
function shortfall(title: string, section: Section<object> | undefined): readonly string[] {
  return section === undefined || section.status === 'ok' ? [] : [line(title, `${section.status}: ${section.reason}`)];
}

/** Nothing at all when there is nothing to say; long lines go on below their beginning. */
function line(title: string, value: string | null | undefined): string {
  if (!value) return '';
  const [first = '', ...others] = wrap(printable(value), LINE_WIDTH - TITLE_WIDTH - 1);
  const more = others.map((rest) => `${' '.repeat(TITLE_WIDTH + 1)}${rest}\n`);
  return `${`${title}:`.padEnd(TITLE_WIDTH)} ${first}\n${more.join('')}`;
}

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function counted(count: number | undefined, kind: string | undefined): string {
  return `${count ?? 0} (${kind})`;
}

function sample(items: readonly string[]): string {
  const more = items.length - LISTED;
  return [...items.slice(0, LISTED), ...(more > 0 ? [`and ${more} more`] : [])].join(', ') || 'none';
}

function indent(block: string): string {
  return block.replace(/^(?=.)/gm, '  ');
}
