import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasTool } from './tool.ts';

/** Why LVM's own tools cannot write a group here, or `undefined` where they can: they want devices, so loops, so root. */
export const lvmAbsent =
  hasTool('vgcfgrestore') && hasTool('losetup') && process.getuid?.() === 0
    ? undefined
    : 'LVM volumes are made by lvm2 on loop devices, as root';
if (lvmAbsent !== undefined) console.warn(`Skipping tests: ${lvmAbsent}`);

export const EXTENT_BYTES = 2 ** 20;
export const PV_START_BYTES = 2 ** 20;
const SECTOR_BYTES = 512;

export interface GroupPlan {
  /** Extents of each physical volume. */
  readonly physicalExtents: readonly number[];
  /** The section `logical_volumes`, as LVM's metadata has it; physical volumes are `pv0`, `pv1` … */
  readonly logicalVolumes: string;
  readonly sequence?: number;
}

/** Physical volumes with the metadata of a group called `vg`, written by LVM itself; their extents are for the caller to fill. */
export function makeGroup({ physicalExtents, logicalVolumes, sequence = 3 }: GroupPlan): Buffer[] {
  const folder = mkdtempSync(join(tmpdir(), 'guestkit-lvm-'));
  const loops: string[] = [];
  try {
    const files = physicalExtents.map((extents, index) => {
      const file = join(folder, `pv${index}`);
      writeFileSync(file, '');
      truncateSync(file, PV_START_BYTES + extents * EXTENT_BYTES + 2 ** 20);
      loops.push(execFileSync('losetup', ['-f', '--show', file], { encoding: 'utf8' }).trim());
      return file;
    });
    const text = groupText({ physicalExtents, logicalVolumes, sequence }, loops);
    writeFileSync(join(folder, 'vg.txt'), text);
    for (const [index, loop] of loops.entries()) {
      lvm(folder, 'pvcreate', '-y', '--uuid', pvId(index), '--restorefile', 'vg.txt', loop);
    }
    lvm(folder, 'vgcfgrestore', '--force', '-f', 'vg.txt', 'vg');
    return files.map((file) => readFileSync(file));
  } finally {
    for (const loop of loops) execFileSync('losetup', ['-d', loop]);
    rmSync(folder, { recursive: true });
  }
}

function lvm(folder: string, ...[command = '', ...args]: readonly string[]): void {
  // only our own devices: what else the host has is none of a test's business
  const config = `devices { filter = [ "a|^/dev/loop|", "r|.*|" ] use_devicesfile = 0 } backup { backup = 0 archive = 0 }`;
  const env = { ...process.env, LVM_SUPPRESS_FD_WARNINGS: '1' };
  execFileSync(command, ['--config', config, ...args], { cwd: folder, stdio: 'pipe', env });
}

function pvId(index: number): string {
  return `${index}00000-0000-0000-0000-0000-0000-000000`;
}

function groupText(
  { physicalExtents, logicalVolumes, sequence }: Required<GroupPlan>,
  loops: readonly string[],
): string {
  const physical = physicalExtents.map(
    (extents, index) => `
    pv${index} {
      id = "${pvId(index)}"
      device = "${loops[index]}"
      status = ["ALLOCATABLE"]
      flags = []
      pe_start = ${PV_START_BYTES / SECTOR_BYTES}
      pe_count = ${extents}
    }`,
  );
  return `contents = "Text Format Volume Group"
version = 1
description = ""
creation_host = "test"
creation_time = 1700000000
vg {
  id = "vgvgvg-0000-0000-0000-0000-0000-000000"
  seqno = ${sequence}
  format = "lvm2"
  status = ["RESIZEABLE", "READ", "WRITE"]
  flags = []
  extent_size = ${EXTENT_BYTES / SECTOR_BYTES}
  max_lv = 0
  max_pv = 0
  metadata_copies = 0
  physical_volumes {${physical.join('')}
  }
  logical_volumes {${logicalVolumes}
  }
}
`;
}

let volumes = 0;

/** A logical volume of one or more segments. */
export function logicalVolume(name: string, segments: readonly string[], { visible = true } = {}): string {
  volumes += 1;
  const id = `v${String(volumes).padStart(5, '0')}-0000-0000-0000-0000-0000-000000`;
  const numbered = segments.map((segment, index) => `segment${index + 1} {\n${segment}\n}`);
  return `
    ${name} {
      id = "${id}"
      status = ["READ", "WRITE"${visible ? ', "VISIBLE"' : ''}]
      flags = []
      segment_count = ${segments.length}
      ${numbered.join('\n')}
    }`;
}

/** A run of extents on one physical volume, or dealt to several. */
export function striped(
  start: number,
  count: number,
  stripes: readonly (readonly [string, number])[],
  chunkSectors = 0,
): string {
  return `start_extent = ${start}
    extent_count = ${count}
    type = "striped"
    stripe_count = ${stripes.length}
    ${chunkSectors > 0 ? `stripe_size = ${chunkSectors}` : ''}
    stripes = [${stripes.map(([name, extent]) => `"${name}", ${extent}`).join(', ')}]`;
}

/** Metadata of a pool, written by thin_restore. */
export function thinMetadata(mappings: readonly (readonly [number, number])[], device: number): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'guestkit-thin-'));
  try {
    const singles = mappings.map(
      ([virtual, real]) => `<single_mapping origin_block="${virtual}" data_block="${real}" time="1"/>`,
    );
    const xml = `<superblock uuid="" time="1" transaction="1" version="2" data_block_size="128" nr_data_blocks="64">
      <device dev_id="${device}" mapped_blocks="${mappings.length}" transaction="0" creation_time="0" snap_time="1">
      ${singles.join('\n')}</device></superblock>`;
    writeFileSync(join(folder, 'pool.xml'), xml);
    writeFileSync(join(folder, 'meta'), Buffer.alloc(4 * EXTENT_BYTES));
    execFileSync('thin_restore', ['-i', 'pool.xml', '-o', 'meta'], { cwd: folder, stdio: 'pipe' });
    return readFileSync(join(folder, 'meta'));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
