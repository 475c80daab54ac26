import { DiskError } from '../../error.ts';
import { type Fields, readFields } from '../../fields.ts';
import { quote } from '../../quote.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import {
  checkBackingName,
  checkClusterBits,
  checkHeaderLength,
  checkL1,
  checkRefcounts,
  checkSnapshots,
  checkVirtualSize,
  type HeaderV2,
  type L1Place,
  type RefcountPlace,
  type SnapshotPlace,
} from './bounds.ts';
import { corrupt } from './error.ts';
import { type Qcow2Extensions, readExtensions } from './extensions.ts';
import {
  AUTOCLEAR,
  COMPATIBLE,
  COMPRESSION_TYPE_OFFSET,
  COMPRESSION_TYPES,
  CRYPT_METHOD,
  INCOMPATIBLE,
  QCOW2_HEADER,
  QCOW2_HEADER_V3,
  V2_HEADER_SIZE,
  V3_HEADER_SIZE,
} from './layout.ts';

/** A header whose every number has been compared with its bound. Offsets are of the file. */
export interface Qcow2Header {
  readonly version: 2 | 3;
  readonly headerLength: number;
  readonly clusterBits: number;
  readonly clusterSize: number;
  readonly virtualSize: number;
  readonly l1: L1Place;
  readonly refcounts: RefcountPlace;
  readonly snapshots: SnapshotPlace;
  readonly compressionType: (typeof COMPRESSION_TYPES)[number];
  readonly features: Qcow2Features;
  /** With LUKS; the header of that is named by an extension. */
  readonly isEncrypted: boolean;
  readonly backingFile: string | undefined;
  readonly extensions: Qcow2Extensions;
}

export interface Qcow2Features {
  readonly dirty: boolean;
  readonly corrupt: boolean;
  readonly dataFile: boolean;
  readonly extendedL2: boolean;
  readonly lazyRefcounts: boolean;
  readonly bitmapsValid: boolean;
  readonly rawDataFile: boolean;
}

type HeaderV3 = Fields<typeof QCOW2_HEADER_V3>;

// what version 2 means by leaving it out
const V2_DEFAULTS: HeaderV3 = {
  incompatible_features: 0n,
  compatible_features: 0n,
  autoclear_features: 0n,
  refcount_order: 4,
  header_length: V2_HEADER_SIZE,
};

export function readQcow2Header(source: ByteSource): Qcow2Header {
  const place = { format: 'qcow2', offset: 0 };
  const fixed = source.read(0, Math.min(source.sizeBytes, V3_HEADER_SIZE));
  const v2 = readFields(fixed, QCOW2_HEADER, place);
  const version = checkVersion(v2.version);
  const v3 = version === 3 ? readFields(fixed, QCOW2_HEADER_V3, place) : V2_DEFAULTS;
  const clusterSize = 2 ** checkClusterBits(v2.cluster_bits);
  // extensions and the backing file name are within the first cluster
  const area = source.read(0, Math.min(source.sizeBytes, clusterSize));
  checkHeaderLength(v3.header_length, version, area.length);
  checkBackingName(v2, v3.header_length, area.length);
  const extensions = readExtensions(extensionArea(area, v2, v3.header_length), v3.header_length);
  checkFeatures(v3.incompatible_features, extensions);
  checkEncryption(v2.crypt_method, extensions);
  const features = featuresOf(v3);
  return {
    version,
    headerLength: v3.header_length,
    clusterBits: v2.cluster_bits,
    clusterSize,
    virtualSize: checkVirtualSize(v2.size),
    l1: checkL1(v2, clusterSize, features.extendedL2, source.sizeBytes),
    refcounts: checkRefcounts(v2, v3.refcount_order, clusterSize, source.sizeBytes),
    snapshots: checkSnapshots(v2, clusterSize, source.sizeBytes),
    compressionType: compressionType(area, v3),
    features,
    isEncrypted: v2.crypt_method === CRYPT_METHOD.luks,
    backingFile: backingName(v2, area),
    extensions,
  };
}

function checkVersion(version: number): 2 | 3 {
  if (version === 2 || version === 3) return version;
  const message = `Cannot read qcow2 header: version is ${version}, expected 2 or 3`;
  throw new DiskError('unsupported', message, { format: 'qcow2', offset: 4 });
}

function extensionArea(area: Uint8Array, v2: HeaderV2, headerLength: number): Uint8Array {
  return area.subarray(headerLength, v2.backing_file_offset === 0 ? area.length : v2.backing_file_offset);
}

function backingName(v2: HeaderV2, area: Uint8Array): string | undefined {
  if (v2.backing_file_offset === 0 || v2.backing_file_size === 0) return undefined;
  const end = v2.backing_file_offset + v2.backing_file_size;
  return new TextDecoder().decode(area.subarray(v2.backing_file_offset, end));
}

function checkFeatures(incompatible: bigint, extensions: Qcow2Extensions): void {
  const known: readonly number[] = Object.values(INCOMPATIBLE);
  for (let bit = 0; bit < 64; bit++) {
    if (!isSet(incompatible, bit) || known.includes(bit)) continue;
    const name = extensions.featureNames.get(`incompatible ${bit}`);
    const feature = name === undefined ? `bit ${bit}` : `bit ${bit} (${quote(name)})`;
    const message = `Cannot read qcow2: incompatible feature ${feature} is set, expected none that is unknown`;
    throw new DiskError('unsupported', message, { format: 'qcow2', offset: 72 });
  }
}

function checkEncryption(method: number, { encryptionHeader }: Qcow2Extensions): void {
  if (method === CRYPT_METHOD.none) return;
  if (method === CRYPT_METHOD.luks) {
    if (encryptionHeader === undefined)
      throw corrupt('header', 'content is encrypted, but no LUKS header is named', 32);
    return;
  }
  const name = method === CRYPT_METHOD.aes ? 'the old AES scheme' : `method ${method}`;
  const message = `Cannot read qcow2: content is encrypted with ${name}, expected LUKS`;
  throw new DiskError('encrypted', message, { format: 'qcow2', offset: 32 });
}

function featuresOf(v3: HeaderV3): Qcow2Features {
  return {
    dirty: isSet(v3.incompatible_features, INCOMPATIBLE.dirty),
    corrupt: isSet(v3.incompatible_features, INCOMPATIBLE.corrupt),
    dataFile: isSet(v3.incompatible_features, INCOMPATIBLE.dataFile),
    extendedL2: isSet(v3.incompatible_features, INCOMPATIBLE.extendedL2),
    lazyRefcounts: isSet(v3.compatible_features, COMPATIBLE.lazyRefcounts),
    bitmapsValid: isSet(v3.autoclear_features, AUTOCLEAR.bitmaps),
    rawDataFile: isSet(v3.autoclear_features, AUTOCLEAR.rawDataFile),
  };
}

function compressionType(area: Uint8Array, v3: HeaderV3): Qcow2Header['compressionType'] {
  const stored = v3.header_length > COMPRESSION_TYPE_OFFSET ? (area[COMPRESSION_TYPE_OFFSET] ?? 0) : 0;
  const type = COMPRESSION_TYPES[stored];
  if (type === undefined) {
    const message = `Cannot read qcow2: compression type is ${stored}, expected 0 (zlib) or 1 (zstd)`;
    throw new DiskError('unsupported', message, { format: 'qcow2', offset: COMPRESSION_TYPE_OFFSET });
  }
  // the bit says "not zlib", so that older readers refuse
  if (isSet(v3.incompatible_features, INCOMPATIBLE.compressionType) !== (stored !== 0)) {
    throw corrupt('header', `compression type ${type} contradicts the feature bit`, COMPRESSION_TYPE_OFFSET);
  }
  return type;
}

function isSet(word: bigint, bit: number): boolean {
  return ((word >> BigInt(bit)) & 1n) === 1n;
}
