import { createRequire } from 'node:module';

const known: (() => unknown)[] = [];

/**
 * A module that is loaded when it is first called for, at once: the engine is synchronous. Loading takes a millisecond for each
 * module, and the code of all formats is some 400 of them, of which one image needs few.
 * @param path of the module, relative to the one that asks
 */
export function lazy<Module>(from: ImportMeta, path: string): () => Module {
  let module: Module | undefined;
  const load = (): Module => {
    module ??= createRequire(from.url)(path) as Module;
    return module;
  };
  known.push(load);
  return load;
}

/** Loads all that is not loaded yet, for a process that may read no files afterwards. */
export function loadAll(): void {
  // what is loaded may add to the list
  for (const load of known) load();
}
