import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const ROOT = path.join(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Which workspaces (or parts of one) the files below a folder may import, besides their own folder. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'packages/disk/src': [],
  'packages/guest/src': ['@guestkit/disk'],
  'packages/operations/src': ['@guestkit/guest', '@guestkit/disk', '@guestkit/core/job'],
  'packages/core/src/job': [],
  'packages/core/src/config': [
    'packages/core/src/job',
    'packages/core/src/security',
    'packages/core/src/artifact',
    'packages/core/src/remote',
  ],
  'packages/core/src/security': ['packages/core/src/job'],
  'packages/core/src/telemetry': ['packages/core/src/job'],
  'packages/core/src/queue': ['packages/core/src/job', 'packages/core/src/telemetry', 'packages/core/src/coordination'],
  'packages/core/src/coordination': ['packages/core/src/job', 'packages/core/src/telemetry'],
  'packages/core/src/artifact': ['packages/core/src/job'],
  'packages/core/src/remote': [],
  'packages/core/src/start': [],
  'packages/core/src/history': [
    'packages/core/src/job',
    'packages/core/src/queue',
    'packages/core/src/coordination',
    'packages/core/src/telemetry',
  ],
  'apps/api/src': ['@guestkit/core'],
  'apps/worker/src': ['@guestkit/core', '@guestkit/operations', '@guestkit/disk'],
  'apps/cli/src': ['@guestkit/core', '@guestkit/operations', '@guestkit/guest', '@guestkit/disk'],
};

/** Libraries that only some files may touch. */
const KEPT_TO: Readonly<Record<string, RegExp>> = {
  bullmq: /^packages\/core\/src\/queue\/bullmq-/,
  ioredis: /^packages\/core\/src\/coordination\/redis\/|^packages\/core\/src\/queue\/bullmq-/,
  'node:sqlite': /^packages\/core\/src\/history\//,
  kysely: /^packages\/core\/src\/history\//,
  convict: /^packages\/core\/src\/config\//,
  express: /^apps\/api\/src\//,
  helmet: /^apps\/api\/src\//,
  '@bull-board/api': /^apps\/api\/src\/board/,
  '@bull-board/express': /^apps\/api\/src\/board/,
  pg: /^packages\/core\/src\/history\//,
  '@aws-sdk/client-s3': /^packages\/core\/src\/(?:artifact|remote)\/s3-/,
  commander: /^apps\/cli\/src\//,
};

/** What no parser of hostile bytes may reach: other processes, the network, and (but for one file) files. */
const FORBIDDEN_IN_ENGINE = [
  'node:child_process',
  'node:net',
  'node:http',
  'node:https',
  'node:tls',
  'node:dgram',
  'node:worker_threads',
];

interface Import {
  readonly file: string;
  readonly target: string;
}

const sources = Object.keys(MAY_IMPORT).flatMap((folder) => filesBelow(folder));
const imports = sources.flatMap(importsOf);

describe('the import table of the design', () => {
  test('covers every source file', () => {
    const all = ['apps', 'packages'].flatMap((folder) => filesBelow(folder)).filter((file) => file.includes('/src/'));
    expect(all.filter((file) => !sources.includes(file))).toEqual([]);
    expect(sources.length).toBeGreaterThan(50);
  });

  test('is kept by every import between folders', () => {
    expect(imports.filter((entry) => !isAllowed(entry)).map(render)).toEqual([]);
  });

  test('keeps third-party libraries where they belong', () => {
    const strayed = imports.filter((entry) => KEPT_TO[packageOf(entry.target)]?.test(entry.file) === false);
    expect(strayed.map(render)).toEqual([]);
  });

  test('lets disk and guest import nothing but Node and one another', () => {
    const engine = imports.filter((entry) => /^packages\/(disk|guest)\//.test(entry.file));
    const foreign = engine.filter(
      (entry) => !entry.target.startsWith('.') && !entry.target.startsWith('@guestkit/') && !isBuiltin(entry.target),
    );
    expect(foreign.map(render)).toEqual([]);
    expect(engine.filter((entry) => FORBIDDEN_IN_ENGINE.includes(entry.target)).map(render)).toEqual([]);
  });

  test('lets only the file source of the engine touch files, and only to read them', () => {
    const touching = imports.filter(
      (entry) => /^packages\/(disk|guest)\//.test(entry.file) && entry.target === 'node:fs',
    );
    expect([...new Set(touching.map((entry) => entry.file))]).toEqual(['packages/disk/src/source/file-source.ts']);
    const code = readFileSync(path.join(ROOT, 'packages/disk/src/source/file-source.ts'), 'utf8');
    expect(code).not.toMatch(
      /\b(?:\w*[wW]rite\w*|unlink\w*|rename\w*|mkdir\w*|f?truncate\w*)\(|O_(?:RDWR|WRONLY|CREAT|APPEND)/,
    );
  });

  test('lets only config and main files read the environment', () => {
    const reading = sources.filter(
      (file) =>
        !/\/config\/|\/main\.ts$/.test(file) && /process\.env\b/.test(readFileSync(path.join(ROOT, file), 'utf8')),
    );
    expect(reading).toEqual([]);
  });
});

describe('the import graph', () => {
  test('has no cycles', () => {
    expect(findCycle()).toEqual([]);
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((name) => name.endsWith('.ts') && !name.includes('node_modules') && !isTestOnly(name))
    .sort();
}

function isTestOnly(file: string): boolean {
  return file.endsWith('.test.ts') || file.includes('/testing');
}

function importsOf(file: string): Import[] {
  const code = readFileSync(path.join(ROOT, file), 'utf8');
  const specifiers = [
    ...code.matchAll(
      /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s+'([^']+)'|\b(?:import|getBuiltinModule)\(\s*'([^']+)'\s*\)|(?:^|\n)import '([^']+)'/g,
    ),
  ];
  return specifiers.map((match) => ({ file, target: match[1] ?? match[2] ?? match[3] ?? '' }));
}

function isAllowed({ file, target }: Import): boolean {
  if (!target.startsWith('.') && !target.startsWith('@guestkit/')) return true;
  // its own manifest, for the version
  if (target.endsWith('/package.json')) return target.startsWith('../');
  const home = homeOf(file);
  const place = target.startsWith('.') ? path.posix.join(path.posix.dirname(file), target) : target;
  const allowed = [home, ...(MAY_IMPORT[home] ?? [])];
  return allowed.some((prefix) => place === prefix || place.startsWith(`${prefix}/`));
}

function homeOf(file: string): string {
  return Object.keys(MAY_IMPORT).find((folder) => file.startsWith(`${folder}/`)) ?? file;
}

function packageOf(target: string): string {
  return target.startsWith('@')
    ? target.split('/').slice(0, 2).join('/')
    : target.startsWith('node:')
      ? target
      : (target.split('/')[0] ?? target);
}

function findCycle(): string[] {
  const state = new Map<string, 'open' | 'done'>();
  const visit = (file: string, trail: readonly string[]): string[] => {
    if (state.get(file) === 'done') return [];
    if (state.get(file) === 'open') return [...trail.slice(trail.indexOf(file)), file];
    state.set(file, 'open');
    for (const next of neighbours(file)) {
      const cycle = visit(next, [...trail, file]);
      if (cycle.length > 0) return cycle;
    }
    state.set(file, 'done');
    return [];
  };
  return sources.map((file) => visit(file, [])).find((cycle) => cycle.length > 0) ?? [];
}

/** Files imported at run time; `import type` and inline types leave no trace and may point anywhere. */
function neighbours(file: string): string[] {
  const code = readFileSync(path.join(ROOT, file), 'utf8').replace(/(?:import|export)\s+type\b[^;]*;/g, '');
  return [...code.matchAll(/from\s+'(\.[^']+)'/g)]
    .map((match) => path.posix.join(path.posix.dirname(file), match[1] ?? ''))
    .filter((target) => sources.includes(target));
}

function render({ file, target }: Import): string {
  return `${file} → ${target}`;
}
