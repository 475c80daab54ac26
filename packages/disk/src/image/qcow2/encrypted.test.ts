import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileSource } from '../../source/file-source.ts';
import { encryptWithQemu, expectBytes, QemuFolder, writeStructured } from '../../testing/qemu.ts';
import { openImage } from '../open.ts';
import { denyReferences } from '../references.ts';

const SIZE = 3 * 2 ** 20 + 512;
const PASSPHRASE = Buffer.from('correct horse');

let folder: QemuFolder;

beforeAll(() => {
  folder = new QemuFolder();
  writeStructured(folder.file('plain.raw'), SIZE);
  writeFileSync(folder.file('key'), PASSPHRASE);
});

afterAll(() => folder.remove());

const made = new Map<string, string>();

/** Made once for all tests: qemu-img takes seconds to find out how many iterations are few. */
function encrypted(options: string): FileSource {
  const name = made.get(options) ?? encrypt(options, `luks-${made.size}.qcow2`);
  made.set(options, name);
  return FileSource.open(folder.file(name));
}

function encrypt(options: string, name: string): string {
  const secret = ['--object', `secret,id=key,file=${folder.file('key')}`];
  const encryption = `encrypt.format=luks,encrypt.key-secret=key,encrypt.iter-time=10,${options}`;
  encryptWithQemu(folder.path, ['convert', ...secret, '-O', 'qcow2', '-o', encryption, 'plain.raw', name]);
  return name;
}

const open = (source: FileSource, ...passphrases: Buffer[]) =>
  openImage(source, { references: denyReferences, claimedFormat: 'qcow2', passphrases });

describe('a qcow2 image encrypted with LUKS', () => {
  test.each([
    'cluster_size=65536',
    'cluster_size=4096,encrypt.cipher-alg=aes-128,encrypt.cipher-mode=cbc,encrypt.ivgen-alg=essiv,encrypt.ivgen-hash-alg=sha256',
    'extended_l2=on',
  ])('of %s is read as it was written', (options) => {
    using source = encrypted(options);
    const image = open(source, Buffer.from('another'), PASSPHRASE);
    expect(image.facts.details).toMatchObject({ encrypted: true });
    expectBytes(image, readFileSync(folder.file('plain.raw')));
  });

  test('stays shut without its passphrase', () => {
    using source = encrypted('cluster_size=65536');
    for (const passphrases of [[], [Buffer.from('battery staple')]]) {
      expect(() => open(source, ...passphrases)).toThrow(expect.objectContaining({ kind: 'encrypted' }));
    }
  });
});
