import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const RESOLVE_SOURCES = path.join(import.meta.dirname, 'resolve-sources.ts');

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'resolve-sources-'));
  write('package.json', '{ "type": "module" }');
  write('place.ts', 'export const place: string = import.meta.url;');
  symlinkSync('place.ts', path.join(folder, 'link.ts'));
  write('facts.json', '["a fact"]');
  write('plain.js', 'export const plain = "plain";');
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('a program before which resolve-sources stands', () => {
  test('takes a relative path to a source as it is: it follows no link', () => {
    expect(run('import { place } from "./link.ts"; console.log(place);').stdout).toMatch(/\/link\.ts\n$/);
  });

  test('finds what a path says that leads up', () => {
    const source = `import { place } from "./../${path.basename(folder)}/place.ts"; console.log(place);`;
    expect(run(source).stdout).toBe(`file://${folder}/place.ts\n`);
  });

  test('loads a source by require too', () => {
    const source =
      'import module from "node:module"; const { place } = module.createRequire(import.meta.url)("./place.ts");';
    expect(run(`${source} console.log(place);`).stdout).toBe(`file://${folder}/place.ts\n`);
  });

  test('leaves everything else to Node', () => {
    const imports =
      'import facts from "./facts.json" with { type: "json" }; import { plain } from "./plain.js"; import path from "node:path";';
    expect(run(`${imports} console.log(path.join(plain, ...facts));`).stdout).toBe('plain/a fact\n');
  });

  test('says which file is missing', () => {
    const { status, stderr } = run('import "./absent.ts";');
    expect(status).toBe(1);
    expect(stderr).toMatch(/absent\.ts/);
  });
});

function write(name: string, text: string): void {
  writeFileSync(path.join(folder, name), text);
}

function run(source: string) {
  write('main.ts', source);
  return spawnSync(process.execPath, ['--import', RESOLVE_SOURCES, path.join(folder, 'main.ts')], { encoding: 'utf8' });
}
