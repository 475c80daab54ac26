// Stands before a program: `node --import PATH_OF_THIS …`, or imported before all else.
import { registerHooks } from 'node:module';

/**
 * Our sources name one another by relative path with extension, so there is nothing to look for. Node would ask the file system all the same
 * at each import of each module, several for every one it loads, which takes almost half of the time to start, and compiles what is asked so often.
 */
registerHooks({
  resolve(specifier, context, nextResolve) {
    const { parentURL } = context;
    const isSource = specifier.startsWith('.') && specifier.endsWith('.ts') && parentURL !== undefined;
    if (!isSource) return nextResolve(specifier, context);
    return { url: new URL(specifier, parentURL).href, format: 'module-typescript', shortCircuit: true };
  },
});
