import { createHash } from 'node:crypto';
import { asFact, DiskError } from '../../error.ts';
import { readFields } from '../../fields.ts';
import type { ByteSource } from '../../source/byte-source.ts';
import { corrupt, unsupported } from './error.ts';
import { JsonReader } from './json.ts';
import { type KeyDerivation, knownHash } from './key-derivation.ts';
import type { KeyDigest, KeySlot, LuksHeader, LuksPayload } from './key-slot.ts';
import {
  LIMIT,
  LUKS_MAGIC,
  LUKS_VERSION,
  LUKS2_CHECKSUM,
  LUKS2_CHECKSUM_ALGORITHM,
  LUKS2_HEADER,
  LUKS2_HEADER_SIZE,
  LUKS2_SECOND_MAGIC,
  LUKS2_SECOND_OFFSETS,
  SECTOR_BYTES,
} from './layout.ts';
import { wholeSectors } from './luks1.ts';

/** Reads the newer of the two headers of LUKS version 2 whose checksum is right. */
export function readLuks2Header(source: ByteSource): LuksHeader {
  const area = newestArea(source);
  const root = new JsonReader(area.json, area.offset + LUKS2_HEADER_SIZE);
  checkRequirements(root);
  const segment = onlySegment(root);
  const digests = root.object('digests').entries();
  return {
    version: 2,
    slots: readSlots(root, segment.name, digests),
    digestOf: ({ number }) => digestOf(String(number), segment.name, digests),
    payload: readPayload(segment.reader, source.sizeBytes),
  };
}

interface HeaderArea {
  readonly offset: number;
  readonly sequence: number;
  readonly json: unknown;
}

function newestArea(source: ByteSource): HeaderArea {
  const failures: DiskError[] = [];
  const areas = [0, ...LUKS2_SECOND_OFFSETS].flatMap((offset) => {
    if (!hasHeader(source, offset)) return [];
    try {
      return [readArea(source, offset)];
    } catch (error) {
      failures.push(asFact(error));
      return [];
    }
  });
  const [newest] = areas.sort((a, b) => b.sequence - a.sequence);
  if (newest !== undefined) return newest;
  throw failures[0] ?? corrupt('header', 'there is none', 0);
}

function hasHeader(source: ByteSource, offset: number): boolean {
  if (offset + LUKS2_HEADER_SIZE > source.sizeBytes) return false;
  const head = source.read(offset, 8);
  const magic = head.subarray(0, 6).toHex();
  return magic === (offset === 0 ? LUKS_MAGIC : LUKS2_SECOND_MAGIC) && readFields(head, LUKS_VERSION).version === 2;
}

function readArea(source: ByteSource, offset: number): HeaderArea {
  const place = { format: 'luks', offset };
  const binary = source.read(offset, LUKS2_HEADER_SIZE);
  const { hdr_size, seqid, hdr_offset } = readFields(binary, LUKS2_HEADER, place);
  if (hdr_size <= LUKS2_HEADER_SIZE || hdr_size > LIMIT.headerBytes || hdr_offset !== offset) {
    throw corrupt('header', `it has ${hdr_size} bytes at ${hdr_offset}, which is not where it lies`, offset + 8);
  }
  const json = source.read(offset + LUKS2_HEADER_SIZE, hdr_size - LUKS2_HEADER_SIZE);
  checkChecksum(binary, json, offset);
  return { offset, sequence: seqid, json: parseJson(json, offset + LUKS2_HEADER_SIZE) };
}

function checkChecksum(binary: Uint8Array, json: Uint8Array, offset: number): void {
  const [at, length] = LUKS2_CHECKSUM;
  const hash = knownHash(textAt(binary, LUKS2_CHECKSUM_ALGORITHM));
  const blank = binary.slice();
  blank.fill(0, at, at + length);
  const digest = createHash(hash).update(blank).update(json).digest();
  if (digest.equals(binary.subarray(at, at + digest.length))) return;
  throw corrupt('header', 'its checksum is wrong', offset + at);
}

function parseJson(bytes: Uint8Array, offset: number): unknown {
  const text = textAt(bytes, [0, bytes.length]);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new DiskError('corrupt', 'Cannot read LUKS header: its metadata is not JSON', {
      format: 'luks',
      offset,
      cause,
    });
  }
}

/** What a reader must be able to do; all we know would change how the payload is read. */
function checkRequirements(root: JsonReader): void {
  const mandatory = root.object('config').optional('requirements')?.optional('mandatory')?.texts() ?? [];
  if (mandatory.length === 0) return;
  throw unsupported('volume', `it requires ${mandatory.join(', ')}, expected nothing`, root.offset);
}

interface Named {
  readonly name: string;
  readonly reader: JsonReader;
}

function onlySegment(root: JsonReader): Named {
  const segments = root.object('segments').entries();
  const [segment] = segments;
  if (segment === undefined || segments.length > 1) {
    throw unsupported(
      'volume',
      `it has ${segments.length} segments, as when it is being re-encrypted, expected 1`,
      root.offset,
    );
  }
  const type = segment.reader.object('type').text();
  if (type !== 'crypt') throw unsupported('volume', `its segment is of type ${JSON.stringify(type)}`, root.offset);
  if (segment.reader.optional('integrity')) {
    throw unsupported('volume', 'its sectors are authenticated (dm-integrity)', root.offset);
  }
  return segment;
}

function readPayload(segment: JsonReader, volumeBytes: number): LuksPayload {
  const offset = segment.object('offset').decimal(volumeBytes);
  const sectorBytes = segment.object('sector_size').number(4096);
  if (![512, 1024, 2048, 4096].includes(sectorBytes)) {
    throw corrupt('header', `its sectors have ${sectorBytes} bytes`, segment.offset);
  }
  const rest = volumeBytes - offset;
  const size = segment.object('size');
  const sizeBytes = size.isText('dynamic') ? rest : Math.min(rest, size.decimal(Number.MAX_SAFE_INTEGER));
  return {
    offset,
    sizeBytes: wholeSectors(sizeBytes, sectorBytes),
    cipher: segment.object('encryption').text(),
    sectorBytes,
    firstSector: segment.object('iv_tweak').decimal(Number.MAX_SAFE_INTEGER / SECTOR_BYTES),
  };
}

function readSlots(root: JsonReader, segment: string, digests: readonly Named[]): readonly KeySlot[] {
  const slots = root.object('keyslots').entries();
  if (slots.length > LIMIT.keySlots) throw corrupt('header', `it has ${slots.length} key slots`, root.offset);
  return slots
    .filter(
      ({ name, reader }) => reader.object('type').isText('luks2') && findDigest(name, segment, digests) !== undefined,
    )
    .map(({ name, reader }) => readSlot(Number(name), reader));
}

function readSlot(number: number, slot: JsonReader): KeySlot {
  const split = slot.object('af');
  const area = slot.object('area');
  return {
    number,
    derivation: readDerivation(slot.object('kdf')),
    material: {
      offset: area.object('offset').decimal(Number.MAX_SAFE_INTEGER),
      cipher: area.object('encryption').text(),
      keyBytes: area.object('key_size').number(LIMIT.keyBytes),
    },
    split: {
      keyBytes: slot.object('key_size').number(LIMIT.keyBytes),
      stripes: split.object('stripes').number(LIMIT.keyMaterialBytes),
      hash: knownHash(split.object('hash').text()),
    },
  };
}

function readDerivation(kdf: JsonReader): KeyDerivation {
  const type = kdf.object('type').text();
  const salt = kdf.object('salt').base64(LIMIT.saltBytes);
  if (type === 'pbkdf2') {
    const iterations = kdf.object('iterations').number(Number.MAX_SAFE_INTEGER);
    return { type, hash: knownHash(kdf.object('hash').text()), iterations, salt };
  }
  if (type !== 'argon2i' && type !== 'argon2id') {
    throw unsupported('key slot', `its key derivation is ${JSON.stringify(type)}`, kdf.offset);
  }
  return {
    type,
    passes: kdf.object('time').number(Number.MAX_SAFE_INTEGER),
    memoryKib: kdf.object('memory').number(Number.MAX_SAFE_INTEGER),
    lanes: kdf.object('cpus').number(Number.MAX_SAFE_INTEGER),
    salt,
  };
}

function findDigest(slot: string, segment: string, digests: readonly Named[]): JsonReader | undefined {
  return digests.find(
    ({ reader }) =>
      reader.object('keyslots').texts().includes(slot) && reader.object('segments').texts().includes(segment),
  )?.reader;
}

function digestOf(slot: string, segment: string, digests: readonly Named[]): KeyDigest {
  const digest = findDigest(slot, segment, digests);
  if (digest === undefined) throw corrupt('header', `key slot ${slot} has no digest`, 0);
  return { derivation: readDerivation(digest), digest: digest.object('digest').base64(LIMIT.saltBytes) };
}

function textAt(bytes: Uint8Array, [offset, length]: readonly [number, number]): string {
  const text = new TextDecoder().decode(bytes.subarray(offset, offset + length));
  const end = text.indexOf('\0');
  return end === -1 ? text : text.slice(0, end);
}
