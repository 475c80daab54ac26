import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../job/retry-policy.ts';
import { readApiConfig } from './api-config.ts';
import { ConfigError } from './config-error.ts';
import { readWorkerConfig } from './worker-config.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'guestkit-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string): string {
  const written = path.join(folder, name);
  writeFileSync(written, content);
  return written;
}

function api(argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  return readApiConfig({ argv, env });
}

function worker(argv: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  return readWorkerConfig({ argv, env });
}

function problemsOf(read: () => unknown): readonly string[] {
  try {
    read();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('a configuration', () => {
  test('has working defaults', () => {
    expect(api()).toMatchObject({
      dataDir: '.guestkit',
      redisUrl: undefined,
      databaseUrl: undefined,
      tenant: 'default',
      host: '127.0.0.1',
      port: 8080,
      apiKey: undefined,
      boardReadOnly: true,
      bodyLimitBytes: 2 * 1024 * 1024,
      nodeId: expect.stringMatching(/-\d+$/),
    });
    expect(worker()).toMatchObject({
      pool: 'default',
      references: 'deny',
      imageRoots: [process.cwd()],
      outputRoots: [path.resolve('.guestkit/results')],
      labels: {},
      jailUser: true,
      maxLostAttempts: 5,
      retry: { operations: new Map(), others: DEFAULT_RETRY_POLICY },
    });
  });

  test('gives two workers of one host two names', () => {
    expect(worker().workerId).not.toBe(worker().workerId);
  });

  test('takes flags before environment before file before defaults', () => {
    const config = file('order.toml', 'port = 1\nhost = "127.0.0.2"\ntenant = "file"\n');
    const env = { GUESTKIT_CONFIG: config, GUESTKIT_PORT: '2', GUESTKIT_TENANT: 'environment' };
    const read = api(['--port', '3'], env);
    expect(read).toMatchObject({ port: 3, tenant: 'environment', host: '127.0.0.2', redisPrefix: 'guestkit' });
  });

  test('is frozen, lists and all', () => {
    const config = worker(['--labels', 'a=b']);
    for (const part of [config, config.imageRoots, config.outputRoots, config.labels, config.dataLocality]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    expect(Object.isFrozen(api())).toBe(true);
  });

  test('takes an empty variable for none', () => {
    expect(api([], { REDIS_URL: '', GUESTKIT_API_KEY: '', GUESTKIT_CONFIG: '' })).toMatchObject({
      redisUrl: undefined,
      apiKey: undefined,
    });
  });

  test('computes defaults from other keys', () => {
    expect(worker(['--data-dir', '/srv/guestkit']).outputRoots).toEqual(['/srv/guestkit/results']);
  });
});

describe('flags', () => {
  test('take their value after a space or an equals sign', () => {
    expect(api(['--port', '81', '--log-level=debug'])).toMatchObject({ port: 81, logLevel: 'debug' });
  });

  test('switch on and off', () => {
    expect(api(['--insecure', '--no-board-read-only'])).toMatchObject({ insecure: true, boardReadOnly: false });
    expect(api(['--board-read-only=false'])).toMatchObject({ boardReadOnly: false });
  });

  test('of lists may be repeated or hold commas', () => {
    const read = worker(['--image-roots', '/a,/b', '--image-roots=/c', '--labels', 'zone=a', '--labels', 'x.y/z=k=v']);
    expect(read.imageRoots).toEqual(['/a', '/b', '/c']);
    expect(read.labels).toEqual({ zone: 'a', 'x.y/z': 'k=v' });
  });

  test('of both apps may share a command line when asked to', () => {
    const inputs = { argv: ['--slots', '3', '--port', '0'], env: {}, sharedFlags: true };
    expect(readApiConfig(inputs).port).toBe(0);
    expect(readWorkerConfig(inputs).slots).toBe(3);
    expect(problemsOf(() => readApiConfig({ ...inputs, sharedFlags: false }))).toEqual(['--slots: unknown flag']);
  });

  test('that are unknown name their nearest neighbour, once', () => {
    expect(problemsOf(() => api(['--prot', '80', '--no-insecur', '--zzzzzzzzzz=1']))).toEqual([
      '--prot: unknown flag, did you mean "--port"?',
      '--no-insecur: unknown flag, did you mean "--no-insecure"?',
      '--zzzzzzzzzz: unknown flag',
    ]);
  });

  test('need their values, and nothing else may stand beside them', () => {
    expect(problemsOf(() => api(['serve', '--no-port', '--config']))).toEqual([
      '"serve": unexpected argument',
      '--no-port: unknown flag',
      '--config: needs the name of a file',
    ]);
    expect(problemsOf(() => api(['--no-insecure=true']))).toEqual(['--no-insecure: takes no value']);
    expect(problemsOf(() => api(['--port']))).toEqual(['--port: needs a value']);
  });
});

describe('a configuration file', () => {
  test('may be TOML or YAML', () => {
    const toml = file(
      'worker.toml',
      'slots = 2\nimageRoots = ["/a", "/b"]\nprivileged = true\n[labels]\nzone = "a"\n"x.y/z" = "1"\n',
    );
    const yaml = file('worker.yaml', 'slots: 2\nimageRoots: [/a, /b]\nprivileged: true\nlabels: {zone: a, x.y/z: 1}\n');
    const expected = { slots: 2, imageRoots: ['/a', '/b'], privileged: true, labels: { zone: 'a', 'x.y/z': '1' } };
    expect(worker(['--config', toml])).toMatchObject(expected);
    expect(worker(['--config', yaml])).toMatchObject(expected);
  });

  test('may have a table of how operations are retried', () => {
    const config = file('retry.toml', '[retry]\n"a.b" = "fixed:2s"\n"*" = "linear"\n');
    const { operations, others } = worker(['--config', config]).retry;
    expect(operations.get('a.b')).toMatchObject({ policy: 'fixed', delayMs: 2_000 });
    expect(others).toMatchObject({ policy: 'linear' });
  });

  test('may be empty, and may hold the keys of both apps', () => {
    expect(api(['--config', file('empty.yml', '')])).toMatchObject({ port: 8080 });
    expect(api(['--config', file('both.toml', 'port = 1\nslots = 2\n')])).toMatchObject({ port: 1 });
  });

  test('is named by --config before GUESTKIT_CONFIG before the caller', () => {
    const [one, two, three] = [1, 2, 3].map((port) => file(`${port}.toml`, `port = ${port}\n`)) as [
      string,
      string,
      string,
    ];
    expect(readApiConfig({ argv: ['--config', one], env: { GUESTKIT_CONFIG: two }, file: three }).port).toBe(1);
    expect(readApiConfig({ argv: [], env: { GUESTKIT_CONFIG: two }, file: three }).port).toBe(2);
    expect(readApiConfig({ argv: [], env: {}, file: three }).port).toBe(3);
  });

  test('that misspells a key names the nearest', () => {
    const config = file('typo.toml', 'prot = 80\n');
    expect(problemsOf(() => api(['--config', config]))).toEqual([
      `prot in ${config}: unknown key, did you mean "port"?`,
    ]);
  });

  test.each([
    ['missing.toml', undefined, /no such file/],
    ['broken.toml', 'port = = 1', /broken\.toml: Invalid TOML/],
    ['broken.yaml', 'a: [1', /broken\.yaml: Flow sequence/],
    ['list.yaml', '- 1', /must hold keys and values/],
    ['config.json', '{}', /must end in \.toml, \.yaml or \.yml/],
    ['typed.toml', 'port = "80x"', /port in .*typed\.toml: must be a whole number, got "80x"/],
    ['float.toml', 'port = 80.5', /must be a whole number, got 80.5/],
    ['number.yaml', 'tenant: 7', /tenant in .*: must be text that is not empty, got 7/],
  ])('%s is refused', (name, content, problem) => {
    const config = content === undefined ? path.join(folder, name) : file(name, content);
    expect(problemsOf(() => api(['--config', config]))).toEqual([expect.stringMatching(problem)]);
  });
});

describe('bad values', () => {
  test('are listed all at once, each with its place', () => {
    const config = file('bad.toml', 'bodyLimitBytes = 5\n');
    const env = { GUESTKIT_CONFIG: config, DATABASE_URL: 'mysql://u:hunter2@db/x', GUESTKIT_INSECURE: 'maybe' };
    expect(problemsOf(() => api(['--port', '80x', '--log-level=loud'], env))).toEqual([
      'DATABASE_URL: must be postgres://… or sqlite:/path',
      '--log-level: must be one of trace, debug, info, warn, error, fatal, silent, got "loud"',
      '--port: must be a whole number, got "80x"',
      'GUESTKIT_INSECURE: must be true or false, got "maybe"',
      `bodyLimitBytes in ${config}: must be at least 1024, got 5`,
    ]);
  });

  test('of secrets are not repeated', () => {
    const error = problemsOf(() => api(['--redis-url', 'reddis://u:hunter2@host'])).join();
    expect(error).toContain('--redis-url: must be redis://');
    expect(error).not.toContain('hunter2');
  });

  test.each([
    [['--slots', '0'], '--slots: must be 1 to 1024'],
    [['--slots', '-1'], '--slots: must be 1 to 1024, got -1'],
    [['--metrics-port', '65536'], '--metrics-port: must be 0 to 65535, got 65536'],
    [['--drain-ms', '2147483648'], '--drain-ms: must be 0 to 2147483647, got 2147483648'],
    [['--references', 'all'], '--references: must be one of deny, same-directory, roots, got "all"'],
    [['--pool', 'a:b'], '--pool: must be up to 64 letters, digits, dots, hyphens or underscores, got "a:b"'],
    [['--labels', '=x'], '--labels: must be pairs like zone=a, got "=x", got ["=x"]'],
    [['--retry', 'a.b=often'], '--retry: must have one of fixed, linear, exponential, got "often"'],
    [['--image-roots', ','], '--image-roots: must name at least one folder'],
  ])('of a worker are refused: %j', (argv, problem) => {
    expect(problemsOf(() => worker(argv))).toEqual([expect.stringContaining(problem)]);
  });

  test.each(['redis://h:1/0', 'rediss://u:p@h', 'unix:/run/redis.sock', '/run/redis.sock'])(
    '%s is a Redis',
    (redisUrl) => {
      expect(api(['--redis-url', redisUrl]).redisUrl).toBe(redisUrl);
    },
  );
});

describe('an API beyond loopback', () => {
  test.each(['0.0.0.0', '::', '192.0.2.1', 'example.org', '127.example.org'])('at %s needs a key', (host) => {
    expect(problemsOf(() => api(['--host', host]))).toEqual([
      `Cannot listen on ${host}: no API key is set, so set GUESTKIT_API_KEY, or --insecure to serve everyone, or --host 127.0.0.1`,
    ]);
    expect(api(['--host', host], { GUESTKIT_API_KEY: 'k' }).host).toBe(host);
    expect(api(['--host', host, '--insecure']).host).toBe(host);
  });

  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1'])('is not one at %s', (host) => {
    expect(api(['--host', host]).host).toBe(host);
  });
});
