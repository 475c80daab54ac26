import type { ByteSource } from '../../source/byte-source.ts';
import type { DiskImage, ImageFacts } from '../image.ts';
import { readBitmaps } from './bitmaps.ts';
import type { Qcow2Header } from './header.ts';
import { readSnapshots } from './snapshots.ts';

/** What there is to say about an image. Names as qemu-img spells them where it has one. */
export function qcow2Facts(source: ByteSource, header: Qcow2Header, backing: DiskImage | undefined): ImageFacts {
  const { features, extensions } = header;
  return {
    format: 'qcow2',
    virtual_size: header.virtualSize,
    file_size: source.sizeBytes,
    details: {
      version: header.version,
      compat: header.version === 2 ? '0.10' : '1.1',
      cluster_size: header.clusterSize,
      compression_type: header.compressionType,
      refcount_bits: header.refcounts.bits,
      lazy_refcounts: features.lazyRefcounts,
      extended_l2: features.extendedL2,
      dirty: features.dirty,
      corrupt: features.corrupt,
      backing_file: header.backingFile ?? null,
      backing_format: extensions.backingFormat ?? null,
      data_file: extensions.dataFile ?? null,
      data_file_raw: features.rawDataFile,
      encrypted: header.isEncrypted,
      snapshots: readSnapshots(source, header),
      bitmaps: features.bitmapsValid ? readBitmaps(source, header) : [],
    },
    chain: chainOf(header, backing),
    warnings: [...warningsOf(header), ...(backing?.facts.warnings ?? [])],
  };
}

function chainOf({ backingFile, extensions }: Qcow2Header, backing: DiskImage | undefined): readonly string[] {
  const own = [extensions.dataFile, backingFile].filter((name) => name !== undefined);
  return [...own, ...(backing?.facts.chain ?? [])];
}

function warningsOf({ features, extensions }: Qcow2Header): readonly string[] {
  const warnings: string[] = [];
  if (features.dirty) warnings.push('dirty bit is set: refcounts are not to be trusted, the content is');
  if (features.corrupt) warnings.push('corrupt bit is set: an earlier writer found the tables to be damaged');
  if (extensions.bitmaps !== undefined && !features.bitmapsValid) {
    warnings.push('bitmaps are out of date: a writer that does not know them changed the image');
  }
  return warnings;
}
