import { registerHooks } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { patchedSource } from './variants/patch.ts';

// Loaded before the main file of every API node and worker of a chaos run (by NODE_OPTIONS, which threads inherit too): it adds
// operations that misbehave, and breaks the sources where a variant says so. Production code knows nothing of either.

const REPLACED: Readonly<Record<string, string>> = {
  '@guestkit/operations/catalogue': here('repertoire/catalogue.ts'),
  '@guestkit/operations/runners': here('repertoire/runners.ts'),
};

const variant = process.env.CHAOS_VARIANT;

registerHooks({
  resolve: (specifier, context, next) => next(REPLACED[specifier] ?? specifier, context),
  load(url, context, next) {
    const loaded = next(url, context);
    const isOurs = variant !== undefined && url.startsWith('file:') && !url.includes('/node_modules/');
    const source = isOurs ? patchedSource(variant, fileURLToPath(url)) : undefined;
    return source === undefined ? loaded : { ...loaded, source };
  },
});

function here(file: string): string {
  return pathToFileURL(`${import.meta.dirname}/${file}`).href;
}
