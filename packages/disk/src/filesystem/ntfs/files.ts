import { Lru } from '../../lru.ts';
import { corrupt } from './corrupt.ts';
import { NtfsFile } from './file.ts';
import type { FileReference } from './file-record.ts';
import { Folder } from './folder.ts';
import { RECORD } from './layout.ts';
import { Mft } from './mft.ts';
import { NtfsNode } from './node.ts';
import { SecurityDescriptors } from './security.ts';
import { UpcaseTable } from './upcase.ts';
import type { NtfsVolume } from './volume.ts';

const KEPT_BYTES = 4 * 1024 * 1024;

/** The files of one volume by their references; those last used are kept. */
export class Files {
  readonly volume: NtfsVolume;
  readonly mft: Mft;
  readonly #nodes: Lru<number, NtfsNode>;
  #upcase: UpcaseTable | undefined;
  #security: SecurityDescriptors | undefined;

  constructor(volume: NtfsVolume) {
    this.volume = volume;
    this.mft = new Mft(volume);
    this.#nodes = new Lru(KEPT_BYTES, () => volume.geometry.recordBytes);
  }

  /** @throws DiskError `corrupt` when the root is not a folder */
  get root(): NtfsNode {
    const root = this.node({ number: RECORD.ROOT, sequence: 0 });
    if (root.stat.type === 'directory') return root;
    throw corrupt(`Cannot open filesystem: its root is a ${root.stat.type}, expected a directory`, 0);
  }

  /** One of the system's own files. */
  system(number: number): NtfsFile {
    return new NtfsFile(this.mft, this.mft.record({ number, sequence: 0 }));
  }

  node(reference: FileReference): NtfsNode {
    const known = this.#nodes.get(reference.number);
    if (known?.isNamedBy(reference)) return known;
    const node = new NtfsNode(this, new NtfsFile(this.mft, this.mft.record(reference)));
    this.#nodes.set(reference.number, node);
    return node;
  }

  folder(file: NtfsFile): Folder {
    return new Folder(file, this.volume.geometry.clusterBytes, () => this.#capitals());
  }

  security(): SecurityDescriptors {
    this.#security ??= new SecurityDescriptors(this.system(RECORD.SECURE), this.volume.geometry.clusterBytes);
    return this.#security;
  }

  #capitals(): UpcaseTable {
    this.#upcase ??= new UpcaseTable(this.system(RECORD.UPCASE));
    return this.#upcase;
  }
}
