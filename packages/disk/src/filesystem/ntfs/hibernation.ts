import type { FileNode } from '../file-system.ts';

const FILE = 'hiberfil.sys';
const SIGNATURE_BYTES = 4;
const SIGNATURES: ReadonlySet<string> = new Set(['hibr', 'wake', 'rstr']);

/** Whether Windows sleeps on the volume: it keeps the state of files in memory, and writes it to one when it is put to sleep. */
export function isHibernated(root: FileNode): boolean {
  const file = root.lookup(FILE);
  if (file?.stat.type !== 'file' || file.stat.sizeBytes < SIGNATURE_BYTES) return false;
  return SIGNATURES.has(String.fromCharCode(...file.open().read(0, SIGNATURE_BYTES)).toLowerCase());
}
