import { type DirectoryEntry, DiskError, type FileNode, type FileTree } from '@guestkit/disk';

const MAX_TEXT_BYTES = 4 * 2 ** 20;
// a guest with a thousand damaged files is told by the first of them
const MAX_NOTES = 20;

/** A guest's files as one collector reads them: it notes which paths gave the facts, and what had to be passed over. */
export class GuestFiles {
  readonly tree: FileTree;
  readonly #sources = new Set<string>();
  readonly #notes: string[] = [];

  constructor(tree: FileTree) {
    this.tree = tree;
  }

  /** Paths that were read, sorted; a folder stands for what was read below it. */
  get sources(): readonly string[] {
    return [...this.#sources].sort();
  }

  get notes(): readonly string[] {
    return this.#notes;
  }

  /** The content of a regular file as UTF-8, or `undefined` when there is none. @throws DiskError when it cannot be read */
  readText(path: string, maxBytes = MAX_TEXT_BYTES): string | undefined {
    const bytes = this.readBytes(path, maxBytes);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** Like readText, for one file of many: a damaged one is noted and passed over, so that it does not cost the others. */
  readTextOrNote(path: string, maxBytes = MAX_TEXT_BYTES): string | undefined {
    return this.orNote(path, () => this.readText(path, maxBytes));
  }

  readBytes(path: string, maxBytes = MAX_TEXT_BYTES): Uint8Array | undefined {
    const file = this.file(path);
    return file && this.readNode(file, path, maxBytes);
  }

  /** The content of a file that was found already. */
  readNode(file: FileNode, path: string, maxBytes = MAX_TEXT_BYTES): Uint8Array {
    const content = file.open();
    if (content.sizeBytes > maxBytes) {
      throw new DiskError(
        'unsupported',
        `Cannot read '${path}': ${content.sizeBytes} bytes, expected at most ${maxBytes}`,
        {
          path,
        },
      );
    }
    return content.read(0, content.sizeBytes);
  }

  /** A regular file, links followed. */
  file(path: string): FileNode | undefined {
    const node = this.tree.find(path);
    if (node?.stat.type !== 'file') return undefined;
    this.use(path);
    return node;
  }

  exists(path: string): boolean {
    if (!this.tree.exists(path)) return false;
    this.use(path);
    return true;
  }

  isDirectory(path: string): boolean {
    return this.tree.find(path)?.stat.type === 'directory';
  }

  /** Names in a folder, sorted; none when there is no such folder. */
  names(path: string): readonly string[] {
    if (!this.isDirectory(path)) return [];
    this.use(path);
    return this.tree.names(path);
  }

  /** Entries of a folder, sorted by name, to get at their nodes without resolving each path; none when there is no such folder. */
  entries(path: string): readonly DirectoryEntry[] {
    if (!this.isDirectory(path)) return [];
    this.use(path);
    return this.tree.list(path);
  }

  readlink(path: string): string | undefined {
    const target = this.tree.readlink(path);
    if (target !== undefined) this.use(path);
    return target;
  }

  /** Notes a path that facts come from. */
  use(path: string): void {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      if (this.#sources.has(path.slice(0, end))) return;
    }
    this.#sources.add(path);
  }

  note(message: string): void {
    if (this.#notes.length < MAX_NOTES) this.#notes.push(message);
    else this.#notes[MAX_NOTES] = 'More files could not be read';
  }

  /** Runs a step; what the image spoils becomes a note. Errors of the world still rise. */
  orNote<T>(path: string, step: () => T): T | undefined {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof DiskError) || error.kind === 'io' || error.kind === 'denied') throw error;
      this.note(`Cannot read '${path}': ${error.message}`);
      return undefined;
    }
  }
}
