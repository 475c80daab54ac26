import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageFacts } from '../image.ts';
import type { DynamicHeader, VhdParent } from './dynamic-header.ts';
import type { FoundFooter, VhdFooter } from './footer.ts';
import { EPOCH_SECONDS } from './layout.ts';
import { parentName } from './parent.ts';

export function vhdFacts(
  source: ByteSource,
  { footer, warnings }: FoundFooter,
  header: DynamicHeader | undefined,
  parent: DiskImage | undefined,
): ImageFacts {
  return {
    format: 'vhd',
    virtual_size: footer.virtualSize,
    file_size: source.sizeBytes,
    details: {
      type: footer.type,
      block_size: header?.blockSize ?? null,
      current_size: footer.currentSize,
      geometry: footer.geometry,
      geometry_size: footer.geometrySize,
      creator_application: trimmed(footer.creator),
      creator_host_os: trimmed(footer.creatorHostOs),
      created_at: timeOf(footer.timestamp),
      unique_id: footer.uniqueId,
      saved_state: footer.savedState,
      parent: header === undefined || parent === undefined ? null : parentFacts(header.parent),
    },
    chain: header === undefined || parent === undefined ? [] : [parentName(header.parent), ...parent.facts.chain],
    warnings: [
      ...warnings,
      ...warningsOf(footer),
      ...parentWarnings(header, parent),
      ...(parent?.facts.warnings ?? []),
    ],
  };
}

function parentFacts({ uniqueId, timestamp, name, relativePath, absolutePath }: VhdParent) {
  return {
    unique_id: uniqueId,
    modified_at: timestamp === 0 ? null : timeOf(timestamp),
    name,
    relative_path: relativePath ?? null,
    absolute_path: absolutePath ?? null,
  };
}

function warningsOf({ virtualSize, currentSize, savedState }: VhdFooter): readonly string[] {
  const warnings: string[] = [];
  if (virtualSize < currentSize) {
    warnings.push(
      `disk is ${virtualSize} bytes by its geometry, as its creator reads it; current size is ${currentSize}`,
    );
  }
  if (savedState) warnings.push('disk belongs to a machine in saved state: what it held in memory is not here');
  return warnings;
}

// the recorded time is that of the parent's file, which its footer does not know: only nonsense can be told
function parentWarnings(header: DynamicHeader | undefined, parent: DiskImage | undefined): readonly string[] {
  const created = parent?.facts.details.created_at;
  if (header === undefined || typeof created !== 'string' || header.parent.timestamp === 0) return [];
  const recorded = timeOf(header.parent.timestamp);
  return recorded < created ? [`parent was created at ${created}, after the time recorded for it (${recorded})`] : [];
}

function timeOf(timestamp: number): string {
  return new Date((timestamp + EPOCH_SECONDS) * 1000).toISOString();
}

function trimmed(text: string): string {
  return text.replace(/[\0 ]+$/, '');
}
