import { sizeOf } from './units.ts';
import type { XmlElement } from './xml.ts';

/** A machine of the descriptor, as a plan of its migration needs it. Fit for JSON. */
export interface VirtualSystem {
  readonly name: string;
  readonly guest: string | null;
  /** `vmx-19`: the family of the virtual hardware. */
  readonly hardware: string | null;
  readonly cpus: number | null;
  readonly memory: number | null;
  readonly firmware: string | null;
  readonly secure_boot: boolean | null;
  readonly controllers: readonly Controller[];
  readonly disks: readonly AttachedDisk[];
  readonly networks: readonly NetworkCard[];
}

export interface Controller {
  readonly id: string;
  readonly bus: string;
  readonly model: string | null;
}

export interface AttachedDisk {
  readonly disk_id: string;
  /** Id of the controller. */
  readonly controller: string | null;
  readonly address: string | null;
}

export interface NetworkCard {
  readonly name: string | null;
  readonly model: string | null;
  readonly network: string | null;
}

/** Resource types of CIM_ResourceAllocationSettingData. */
const RESOURCE = { cpu: '3', memory: '4', network: '10', disk: '17' } as const;
const BUSES: ReadonlyMap<string, string> = new Map([
  ['5', 'ide'],
  ['6', 'scsi'],
  ['20', 'other'],
]);

export function readHardware(system: XmlElement): VirtualSystem {
  const sections = children(system, 'VirtualHardwareSection');
  const items = sections.flatMap((section) =>
    ['Item', 'StorageItem', 'EthernetPortItem'].flatMap((name) => children(section, name)),
  );
  const operatingSystem = children(system, 'OperatingSystemSection')[0];
  const firmware = config(sections, 'firmware');
  const secureBoot =
    config(sections, 'uefi.secureBoot.enabled') ?? config(sections, 'bootOptions.efiSecureBootEnabled');
  return {
    name: value(system, 'Name') ?? system.attributes.get('id') ?? '',
    guest: operatingSystem?.attributes.get('osType') ?? value(operatingSystem, 'Description'),
    hardware: value(
      sections[0]?.children.find(({ name }) => name === 'System'),
      'VirtualSystemType',
    ),
    cpus: cpusOf(items),
    memory: memoryOf(items),
    firmware,
    secure_boot: secureBoot === null ? null : secureBoot.toLowerCase() === 'true',
    controllers: items.flatMap(controllerOf),
    disks: ofType(items, RESOURCE.disk).flatMap(attachedDisk),
    networks: ofType(items, RESOURCE.network).map(networkCard),
  };
}

function cpusOf(items: readonly XmlElement[]): number | null {
  const [cpu] = ofType(items, RESOURCE.cpu);
  return sizeOf(value(cpu, 'VirtualQuantity') ?? undefined, 'byte') ?? null;
}

function memoryOf(items: readonly XmlElement[]): number | null {
  const [memory] = ofType(items, RESOURCE.memory);
  return (
    sizeOf(value(memory, 'VirtualQuantity') ?? undefined, value(memory, 'AllocationUnits') ?? 'byte * 2^20') ?? null
  );
}

function controllerOf(item: XmlElement): readonly Controller[] {
  const bus = BUSES.get(value(item, 'ResourceType') ?? '');
  if (bus === undefined) return [];
  return [{ id: value(item, 'InstanceID') ?? '', bus, model: value(item, 'ResourceSubType') }];
}

/** `ovf:/disk/vmdisk1`, in old descriptors `/disk/vmdisk1`. */
function attachedDisk(item: XmlElement): readonly AttachedDisk[] {
  const id = /^(?:ovf:)?\/{1,2}disk\/([^/]{1,256})$/.exec(value(item, 'HostResource') ?? '')?.[1];
  if (id === undefined) return [];
  return [{ disk_id: id, controller: value(item, 'Parent'), address: value(item, 'AddressOnParent') }];
}

function networkCard(item: XmlElement): NetworkCard {
  return {
    name: value(item, 'ElementName'),
    model: value(item, 'ResourceSubType'),
    network: value(item, 'Connection'),
  };
}

/** A setting of VMware: `<vmw:Config vmw:key="firmware" vmw:value="efi"/>`. */
function config(sections: readonly XmlElement[], key: string): string | null {
  const settings = sections.flatMap((section) => children(section, 'Config'));
  return settings.find(({ attributes }) => attributes.get('key') === key)?.attributes.get('value') ?? null;
}

function ofType(items: readonly XmlElement[], type: string): readonly XmlElement[] {
  return items.filter((item) => value(item, 'ResourceType') === type);
}

function children(element: XmlElement, name: string): readonly XmlElement[] {
  return element.children.filter((child) => child.name === name);
}

function value(element: XmlElement | undefined, name: string): string | null {
  return element?.children.find((child) => child.name === name)?.text.trim() ?? null;
}
