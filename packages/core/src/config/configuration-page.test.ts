import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { readApiConfig } from './api-config.ts';
import { API_KEYS } from './api-keys.ts';
import { describeKeys } from './print.ts';
import type { ConfigKeys } from './schema.ts';
import { readWorkerConfig } from './worker-config.ts';
import { WORKER_KEYS } from './worker-keys.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/configuration.md'), 'utf8');
const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-configuration-page-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('docs/configuration.md', () => {
  test.each<[string, ConfigKeys]>([
    ['API node', API_KEYS],
    ['Worker', WORKER_KEYS],
  ])('shows every key of "%s" as the code has it', (title, keys) => {
    expect(rowsUnder(title)).toEqual(rowsOf(keys));
  });

  test.each(['toml', 'yaml'])('shows a file in %s that an API node and a worker take', (language) => {
    const inputs = { argv: ['--config', exampleIn(language)], env: {} };
    const common = { redisUrl: 'redis://redis.internal:6379/0', tenant: 'lab', logLevel: 'warn' };
    expect(readApiConfig(inputs)).toMatchObject({ ...common, host: '10.0.0.5', apiKey: 'a long random text' });
    expect(readWorkerConfig(inputs)).toMatchObject({
      ...common,
      slots: 8,
      imageRoots: ['/srv/images', '/srv/templates'],
      privileged: false,
      labels: { zone: 'a', 'storage/tier': 'fast' },
    });
  });
});

function rowsUnder(title: string): readonly string[] {
  const [, section = ''] = page.split(`\n## ${title}\n`);
  const [own = ''] = section.split('\n## ');
  return own.split('\n').filter((line) => line.startsWith('| `'));
}

function rowsOf(keys: ConfigKeys): readonly string[] {
  return describeKeys(keys).map(
    ({ key, flag, env, default: fallback, doc }) => `| \`${key}\` | \`${flag}\` | \`${env}\` | ${fallback} | ${doc} |`,
  );
}

function exampleIn(language: string): string {
  const [, content = ''] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(page) ?? [];
  const file = path.join(folder, `guestkit.${language}`);
  writeFileSync(file, content);
  return file;
}
