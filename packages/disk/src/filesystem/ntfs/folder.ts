import type { Fields } from '../../fields.ts';
import { quote } from '../../quote.ts';
import type { FileType } from '../file-system.ts';
import { decodeUtf16Name, encodeUtf16Name } from '../utf16-name.ts';
import { corrupt } from './corrupt.ts';
import type { NtfsFile } from './file.ts';
import type { FileReference } from './file-record.ts';
import { Index, type IndexEntry } from './index.ts';
import { DOS_NAME, FILE_ATTRIBUTE, FILE_NAME, FILE_NAME_SIZE, FOLDER_INDEX, INDEXED_FOLDER, RECORD } from './layout.ts';
import type { UpcaseTable } from './upcase.ts';

/** A name in a folder and what it leads to. */
export interface FolderEntry {
  readonly name: string;
  readonly type: FileType | undefined;
  readonly reference: FileReference;
}

/** The names in a folder. Names for DOS can be looked up, but are not listed; nor are the system's own files. */
export class Folder {
  readonly #index: Index;
  readonly #upcase: () => UpcaseTable;

  constructor(file: NtfsFile, clusterBytes: number, upcase: () => UpcaseTable) {
    this.#index = new Index(file, FOLDER_INDEX, clusterBytes);
    this.#upcase = upcase;
  }

  *list(): Generator<FolderEntry> {
    for (const entry of this.#index.entries()) {
      const fields = readName(entry);
      if (fields.name_space === DOS_NAME || entry.reference.number < RECORD.FIRST_USER) continue;
      yield { name: nameOf(entry, fields), type: typeOf(fields), reference: entry.reference };
    }
  }

  /** The file of a name; where case does not matter, of one that differs in case if none is the same. */
  find(name: string, isCaseSensitive: boolean): FileReference | undefined {
    const units = encodeUtf16Name(name);
    if (units === undefined || units.length > MAX_NAME_UNITS) return undefined;
    const upcase = this.#upcase();
    let similar: FileReference | undefined;
    for (const entry of this.#index.find((key) => upcase.compare(units, unitsOf(key)))) {
      if (isSame(units, unitsOf(entry.key))) return entry.reference;
      similar ??= entry.reference;
    }
    return isCaseSensitive ? undefined : similar;
  }
}

const MAX_NAME_UNITS = 255;

/** Read by hand: this is most of what listing a large folder takes. */
function readName({ key, offset }: IndexEntry): Fields<typeof FILE_NAME> {
  if (key.length < FILE_NAME_SIZE) throw corrupt(`Cannot read name in folder: it has ${key.length} bytes`, offset);
  const [at] = FILE_NAME.file_attributes;
  return {
    file_attributes:
      (key[at] as number) |
      ((key[at + 1] as number) << 8) |
      ((key[at + 2] as number) << 16) |
      ((key[at + 3] as number) << 24),
    name_length: key[FILE_NAME.name_length[0]] as number,
    name_space: key[FILE_NAME.name_space[0]] as number,
  };
}

function nameOf(entry: IndexEntry, { name_length }: Fields<typeof FILE_NAME>): string {
  const name = decodeUtf16Name(unitsOf(entry.key));
  const isWhole = FILE_NAME_SIZE + name_length * 2 <= entry.key.length;
  if (isWhole && !['', '.', '..'].includes(name) && !name.includes('/') && !name.includes('\0')) return name;
  throw corrupt(`Cannot read name in folder: bad name ${quote(name)} of ${name_length} characters`, entry.offset);
}

/** As the index has it: of links it says only that they are something special. */
function typeOf({ file_attributes: attributes }: Fields<typeof FILE_NAME>): FileType | undefined {
  if ((attributes & (FILE_ATTRIBUTE.REPARSE_POINT | FILE_ATTRIBUTE.SYSTEM)) !== 0) return undefined;
  return (attributes & INDEXED_FOLDER) === 0 ? 'file' : 'directory';
}

/** The characters of the name in a key of a folder's index, as many as there are. */
function unitsOf(key: Uint8Array): Uint16Array {
  const stored = key[FILE_NAME.name_length[0]] ?? 0;
  const count = Math.max(0, Math.min(stored, (key.length - FILE_NAME_SIZE) >> 1));
  const units = new Uint16Array(count);
  for (let index = 0; index < count; index++) {
    const at = FILE_NAME_SIZE + index * 2;
    units[index] = (key[at] as number) | ((key[at + 1] as number) << 8);
  }
  return units;
}

function isSame(one: Uint16Array, other: Uint16Array): boolean {
  return one.length === other.length && one.every((unit, index) => unit === other[index]);
}
