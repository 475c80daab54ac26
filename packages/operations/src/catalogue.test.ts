import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { operations } from './catalogue.ts';
import { runners } from './runners.ts';

test('every operation has a runner, and every runner an operation', () => {
  expect([...runners.keys()].sort()).toEqual([...operations.keys()].sort());
});

test('operation names are namespaced', () => {
  for (const name of operations.keys()) expect(name).toMatch(/^[a-z]+\.[a-z-]+$/);
});

test('the runners load no schema library and no YAML: the jail would wait for them', () => {
  const script = `
    import { registerHooks } from 'node:module';
    const urls = [];
    registerHooks({ resolve: (specifier, context, next) => {
      const found = next(specifier, context);
      urls.push(found.url);
      return found;
    } });
    await import(process.argv[1]);
    console.log(JSON.stringify(urls));`;
  const runnersUrl = new URL('./runners.ts', import.meta.url).href;
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', script, runnersUrl], {
    encoding: 'utf8',
  });
  const urls = JSON.parse(output) as string[];
  expect(urls.some((url) => url.endsWith('/inspect/run.ts'))).toBe(true);
  expect(urls.filter((url) => url.includes('/node_modules/'))).toEqual([]);
});
