import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseJobDocument } from './parse.ts';
import { contentHash, renderJobDocument } from './render.ts';

const MINIMAL = {
  version: '1.0',
  job_id: 'job-demo-0001',
  created_at: '2026-05-04T08:00:00Z',
  kind: 'VMOperation',
  operation: 'system.echo',
  payload: { type: 'system.echo.v1', data: { ping: 1 } },
};

const FULL = {
  $schema: 'https://guestkit.dev/schemas/job-v1.json',
  ...MINIMAL,
  created_at: '2026-05-04T08:00:00.250+02:00',
  metadata: { name: 'web', namespace: 'lab', labels: { tier: 'web' }, annotations: { change: '7' } },
  execution: {
    idempotency_key: 'web/1',
    attempt: 1,
    max_attempts: 3,
    timeout_seconds: 900,
    deadline: '2026-05-05T00:00:00Z',
    priority: 8,
    cancellable: false,
    timeouts: { wait_seconds: 60, heartbeat_seconds: 30, progress_seconds: 0 },
    retry: {
      policy: 'linear',
      delay_seconds: 5,
      max_delay_seconds: 60,
      jitter: 'none',
      retry_on: ['io', 'out-of-memory'],
    },
  },
  constraints: {
    required_capabilities: ['guestkit.inspect'],
    required_features: ['lvm'],
    minimum_worker_version: '0.1.0',
    maximum_disk_size_gb: 100,
    require_privileged: false,
    allowed_worker_pools: ['lab-a'],
  },
  routing: { worker_id: 'w1', worker_pool: 'lab-a', affinity: { zone: 'a' }, anti_affinity: { host: ['busy-1'] } },
  observability: { trace_id: 't', span_id: 's', parent_span_id: 'p', correlation_id: 'c' },
  audit: { submitted_by: 'x', submitted_from: 'y', authorization: { method: 'api_key', subject: 's' } },
};

function strict(members: Readonly<Record<string, unknown>>) {
  return parseJobDocument(JSON.stringify(members), 'strict');
}

function http(members: Readonly<Record<string, unknown>>, now = 0) {
  return parseJobDocument(JSON.stringify(members), 'http', { newJobId: () => 'job-NEW00001', now: () => now });
}

function without(members: Readonly<Record<string, unknown>>, ...names: readonly string[]) {
  return Object.fromEntries(Object.entries(members).filter(([name]) => !names.includes(name)));
}

describe('parseJobDocument', () => {
  test('keeps every member of a full document', () => {
    const { document, warnings } = strict(FULL);
    expect(document).toEqual({ ...FULL, created_at: '2026-05-04T06:00:00.250Z' });
    expect(warnings).toEqual([]);
  });

  test('fills in the defaults of execution, also when it is null', () => {
    const defaults = { attempt: 1, max_attempts: 1, timeout_seconds: 3600, priority: 5, cancellable: true };
    for (const execution of [undefined, null, {}])
      expect(strict({ ...MINIMAL, execution }).document.execution).toEqual(defaults);
  });

  test('reads null as absent wherever a member is optional', () => {
    const nulled = {
      ...MINIMAL,
      $schema: null,
      metadata: { name: null, labels: null },
      execution: { deadline: null, idempotency_key: null },
      constraints: { required_features: null, maximum_disk_size_gb: null },
      routing: null,
      audit: { authorization: null },
    };
    expect(JSON.stringify(strict(nulled).document)).not.toContain('null');
  });

  test.each(['attempt', 'max_attempts', 'timeout_seconds', 'priority', 'cancellable'])(
    'refuses a null execution.%s',
    (name) => {
      expect(() => strict({ ...MINIMAL, execution: { [name]: null } })).toThrow(
        expect.objectContaining({ stage: 'shape', field: `execution.${name}` }),
      );
    },
  );

  test('reads a 64-bit integer above 2^53 as the largest safe one, and warns', () => {
    const text = JSON.stringify({ ...MINIMAL, execution: { timeout_seconds: 0 } }).replace(
      ':0}',
      ':18446744073709551615}',
    );
    const { document, warnings } = parseJobDocument(text, 'strict');
    expect(document.execution.timeout_seconds).toBe(Number.MAX_SAFE_INTEGER);
    expect(warnings).toEqual(['execution.timeout_seconds is 9007199254740991, more than a day']);
  });

  test('tells an id that is made up from one that is given', () => {
    expect(http(without(MINIMAL, 'job_id')).isIdNew).toBe(true);
    expect(http(MINIMAL).isIdNew).toBe(false);
  });

  test('drops unknown members of nested objects, but none of the data', () => {
    const { document } = strict({
      ...MINIMAL,
      metadata: { x: 1 },
      payload: { ...MINIMAL.payload, x: 1, data: { x: 1 } },
    });
    expect(document.metadata).toEqual({});
    expect(document.payload).toEqual({ type: 'system.echo.v1', data: { x: 1 } });
  });

  test('refuses an unknown member at the strict door and names it', () => {
    expect(() => strict({ ...MINIMAL, foo: 1 })).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        field: 'foo',
        message: 'Cannot read job document: unknown member "foo"',
      }),
    );
  });

  test('ignores an unknown member over HTTP and says so', () => {
    const { document, warnings } = http({ ...MINIMAL, foo: 1 });
    expect(document).not.toHaveProperty('foo');
    expect(warnings).toEqual(['Unknown member "foo" is ignored']);
  });

  test('refuses text that is not JSON with the place of the error', () => {
    expect(() => parseJobDocument('{"version":', 'http')).toThrow(
      expect.objectContaining({
        stage: 'shape',
        code: 'BAD_REQUEST',
        message: expect.stringContaining('line 1, column 12'),
      }),
    );
  });

  test.each([
    [{ payload: [] }, 'payload', 'expected object, got array'],
    [{ execution: { priority: 256 } }, 'execution.priority', 'must be at most 255'],
    [{ execution: { timeout_seconds: -1 } }, 'execution.timeout_seconds', 'must be at least 0'],
    [{ execution: { priority: 5.5 } }, 'execution.priority', 'expected integer, got 5.5'],
    [{ metadata: { labels: { a: 1 } } }, 'metadata.labels.a', 'expected string, got number'],
    [{ audit: { authorization: { method: 'm' } } }, 'audit.authorization.subject', 'is missing'],
    [{ payload: { type: 'a.b.v1' } }, 'payload.data', 'is missing'],
    [{ created_at: 'now' }, 'created_at', 'expected a timestamp with a date, a time with seconds, and an offset'],
  ])('names the member and the reason: %j', (change, field, reason) => {
    expect(() => strict({ ...MINIMAL, ...change })).toThrow(
      expect.objectContaining({ stage: 'shape', field, message: `Cannot read job document: ${field} - ${reason}` }),
    );
  });

  test('writes the HTTP prefix before a broken rule, at that door only', () => {
    const rule = 'Invalid field value: execution.priority - must be 1 to 10, got 11';
    const document = { ...MINIMAL, execution: { priority: 11 } };
    expect(() => strict(document)).toThrow(expect.objectContaining({ code: 'VALIDATION_ERROR', message: rule }));
    expect(() => http(document)).toThrow(expect.objectContaining({ message: `Job validation failed: ${rule}` }));
  });

  test.each([
    [{ execution: { timeout_seconds: 86_401 } }, /86401, more than a day/],
    [{ execution: { timeout_seconds: 0 } }, /times out at once/],
    [{ constraints: { maximum_disk_size_gb: 100_001 } }, /100001, more than any disk/],
    [{ constraints: { minimum_worker_version: 'abc' } }, /"abc", which is not a version/],
  ])('warns about %j', (change, warning) => {
    expect(strict({ ...MINIMAL, ...change }).warnings).toEqual([expect.stringMatching(warning)]);
  });

  test('does not warn about bounds that are merely high', () => {
    const change = { execution: { timeout_seconds: 86_400 }, constraints: { maximum_disk_size_gb: 100_000 } };
    expect(strict({ ...MINIMAL, ...change }).warnings).toEqual([]);
  });
});

describe('a partial document over HTTP', () => {
  test('needs only operation and payload', () => {
    const { document } = http(
      { operation: 'guestkit.inspect', payload: { data: { image: {} } } },
      Date.UTC(2026, 4, 4),
    );
    expect(document).toMatchObject({
      version: '1.0',
      kind: 'VMOperation',
      job_id: 'job-NEW00001',
      created_at: '2026-05-04T00:00:00Z',
      payload: { type: 'guestkit.inspect.v1', data: { image: {} } },
    });
  });

  test('gets an id of its own where none is passed in', () => {
    const post = () => parseJobDocument('{"operation":"a.b","payload":{"data":1}}', 'http').document.job_id;
    expect(post()).toMatch(/^job-[0-9A-HJKMNP-TV-Z]{26}$/);
    const ids = Array.from({ length: 1000 }, post);
    expect(new Set(ids).size).toBe(1000);
    expect(ids.toSorted()).toEqual(ids);
  });

  test('is refused at the strict door', () => {
    expect(() => strict(without(MINIMAL, 'version'))).toThrow(expect.objectContaining({ field: 'version' }));
  });

  test.each(['version', 'kind', 'job_id', 'created_at'])('may leave out %s but not set it to null', (name) => {
    expect(() => http({ ...MINIMAL, [name]: null })).toThrow(expect.objectContaining({ stage: 'shape', field: name }));
  });

  test('is given the time for the epoch, however that is written', () => {
    for (const created_at of ['1970-01-01T00:00:00Z', '1970-01-01T01:00:00.000+01:00']) {
      expect(http({ ...MINIMAL, created_at }, 1500).document.created_at).toBe('1970-01-01T00:00:01.500Z');
      expect(strict({ ...MINIMAL, created_at }).document.created_at).toBe('1970-01-01T00:00:00Z');
    }
  });
});

describe('the rules of the protocol', () => {
  test.each([
    [{ version: '2.0' }, 'Unsupported protocol version: 2.0'],
    [{ job_id: '' }, 'Missing required field: job_id'],
    [{ job_id: 'short' }, 'Invalid field value: job_id - must be at least 8 bytes long'],
    [{ kind: 'vm' }, "Invalid field value: kind - must be 'VMOperation', got 'vm'"],
    [{ operation: '' }, 'Missing required field: operation'],
    [{ operation: 'echo' }, "Invalid field value: operation - must be namespaced like 'guestkit.inspect', got 'echo'"],
    [{ payload: { type: '', data: 1 } }, 'Missing required field: payload.type'],
    [
      { payload: { type: 'a.v1', data: 1 } },
      "Invalid field value: payload.type - must be like 'guestkit.inspect.v1', got 'a.v1'",
    ],
    [{ execution: { max_attempts: 0 } }, 'Invalid field value: execution.max_attempts - must be at least 1'],
    [{ execution: { attempt: 2 } }, 'Invalid field value: execution.attempt - 2 is more than max_attempts 1'],
    [
      { constraints: { minimum_worker_version: '' } },
      'Invalid field value: constraints.minimum_worker_version - must not be empty',
    ],
  ])('refuse %j', (change, message) => {
    expect(() => strict({ ...MINIMAL, ...change })).toThrow(expect.objectContaining({ stage: 'validation', message }));
  });

  test.each([
    'a'.repeat(129),
    '........',
    'job/with/slash',
    '..\\..\\windows',
    'job id 01',
    'job:id:01',
    'éééé',
    'job-0001\n',
  ])('refuse the id %j', (job_id) => {
    expect(() => strict({ ...MINIMAL, job_id })).toThrow(
      expect.objectContaining({ stage: 'validation', field: 'job_id' }),
    );
  });

  test.each(['12345678', 'a'.repeat(128), '..~-._aZ'])('accept the id %j', (job_id) => {
    expect(strict({ ...MINIMAL, job_id }).document.job_id).toBe(job_id);
  });

  test('report the first failure in the order of the protocol', () => {
    const wrong = { ...MINIMAL, version: '9', kind: 'x', execution: { priority: 0, max_attempts: 0 } };
    expect(() => strict(wrong)).toThrow('Unsupported protocol version: 9');
    expect(() => strict({ ...wrong, version: '1.0' })).toThrow('Invalid field value: kind');
    expect(() => strict({ ...wrong, version: '1.0', kind: 'VMOperation' })).toThrow(
      'Invalid field value: execution.priority',
    );
  });
});

const words = fc.string({ unit: 'binary', maxLength: 12 });
const wordMap = fc.dictionary(words, words, { maxKeys: 3 });
const optionally = { requiredKeys: [] as [] };
const documents = fc.record(
  {
    version: fc.constant('1.0'),
    job_id: fc.stringMatching(/^[A-Za-z0-9_~-]{8,40}$/),
    created_at: fc
      .date({ noInvalidDate: true, min: new Date(1), max: new Date('9999-12-30') })
      .map((date) => date.toISOString()),
    kind: fc.constant('VMOperation'),
    operation: fc.constantFrom('a.b', 'guestkit.inspect'),
    payload: fc.record({ type: fc.constant('a.b.v1'), data: fc.jsonValue() }),
    metadata: fc.record({ name: words, namespace: words, labels: wordMap, annotations: wordMap }, optionally),
    execution: fc.record(
      { priority: fc.integer({ min: 1, max: 10 }), timeout_seconds: fc.nat(), cancellable: fc.boolean() },
      optionally,
    ),
    routing: fc.record({ worker_id: words, anti_affinity: fc.dictionary(words, fc.array(words)) }, optionally),
    constraints: fc.record({ required_features: fc.array(words), maximum_disk_size_gb: fc.maxSafeNat() }, optionally),
  },
  { requiredKeys: ['version', 'job_id', 'created_at', 'kind', 'operation', 'payload'] },
);

describe('renderJobDocument', () => {
  test('writes members in the order of the protocol, and null for no $schema', () => {
    const shuffled = strict(Object.fromEntries(Object.entries(FULL).reverse())).document;
    expect(Object.keys(JSON.parse(renderJobDocument(shuffled)))).toEqual(
      Object.keys(JSON.parse(renderJobDocument(strict(FULL).document))),
    );
    expect(renderJobDocument(strict(MINIMAL).document)).toMatch(
      /^\{"\$schema":null,"version":"1\.0","job_id":"job-demo-0001","created_at":/,
    );
  });

  test('is undone by parsing', () => {
    fc.assert(
      fc.property(documents, (members) => {
        const { document } = strict(members);
        const again = parseJobDocument(renderJobDocument(document), 'strict').document;
        expect(again).toEqual(document);
        expect(renderJobDocument(again)).toBe(renderJobDocument(document));
      }),
    );
  });
});

describe('contentHash', () => {
  const hash = (members: Readonly<Record<string, unknown>>) => contentHash(http(members).document);

  test('is the same for the same text posted twice, whatever was filled in', () => {
    const text = '{"operation":"a.b","payload":{"data":{"b":1,"a":[1,2]}}}';
    const post = (now: number) => contentHash(parseJobDocument(text, 'http', { now: () => now }).document);
    expect(post(1)).toBe(post(2));
  });

  test('does not depend on the order or layout of members', () => {
    expect(hash({ ...MINIMAL, payload: { data: { a: 1, b: 2 }, type: 'x.y.v1' } })).toBe(
      hash({ payload: { type: 'x.y.v1', data: { b: 2, a: 1 } }, ...without(MINIMAL, 'payload') }),
    );
  });

  test('is the one that rows of earlier versions have', () => {
    const data = '{"z":[1,-0.5,1e21,"\\u0000\\ud83d\\ude00\\"",null,true,[],{}],"__proto__":{"a":1},"1":2}';
    const text = `{"operation":"guestkit.inspect","metadata":{"labels":{"b":"2","10":"x","9":"y"}},"payload":{"data":${data}}}`;
    expect(contentHash(parseJobDocument(text, 'http').document)).toBe(
      '43ebbb716f6969c4d027fb447d6d0e15b12c69f7457b3f748028f0f19cf062d7',
    );
  });

  test('does not count what a retry of a client writes anew', () => {
    const retry = {
      job_id: 'job-demo-0002',
      created_at: '2026-06-01T00:00:00Z',
      observability: { trace_id: 'other' },
      $schema: 'x',
    };
    expect(hash({ ...FULL, ...retry })).toBe(hash(FULL));
  });

  test.each([
    { operation: 'a.c' },
    { payload: { type: 'system.echo.v1', data: { ping: 2 } } },
    { payload: { type: 'system.echo.v1', data: { ping: '1' } } },
    { payload: { type: 'system.echo.v1', data: [['ping', 1]] } },
    { execution: { priority: 6 } },
    { metadata: { labels: { a: 'b' } } },
    { routing: { worker_pool: 'x' } },
  ])('counts %j', (change) => {
    expect(hash({ ...MINIMAL, ...change })).not.toBe(hash(MINIMAL));
  });

  test('counts the order of lists and a key named __proto__', () => {
    const withData = (data: string) =>
      contentHash(parseJobDocument(`{"operation":"a.b","payload":{"data":${data}}}`, 'http').document);
    expect(withData('[1,2]')).not.toBe(withData('[2,1]'));
    expect(withData('{"__proto__":{"a":1}}')).not.toBe(withData('{}'));
  });
});
