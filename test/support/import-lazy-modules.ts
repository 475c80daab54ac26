import type { Plugin } from 'vite';

const LAZY = /\blazy<typeof import\('([^']+)'\)>\(\s*import\.meta,\s*'\1',?\s*\)/g;

/**
 * Imports at once what the engine loads when it is first needed. Vitest has instances of its own of all modules, and what Node
 * loads later would not share them: its `DiskError` would be another class.
 */
export function importLazyModules(): Plugin {
  return {
    name: 'import-lazy-modules',
    // before the types are gone
    enforce: 'pre',
    transform(code, id) {
      if (!id.includes('/packages/disk/src/') || id.endsWith('.test.ts')) return undefined;
      const imports: string[] = [];
      const replaced = code.replace(LAZY, (_, path: string) => {
        const name = `lazyModule${imports.length}`;
        imports.push(`import * as ${name} from '${path}';`);
        return `(() => ${name})`;
      });
      // on one line, so that those of stack traces are right
      return imports.length === 0 ? undefined : imports.join(' ') + replaced;
    },
  };
}
