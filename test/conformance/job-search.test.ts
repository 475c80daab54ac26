import type { JobHistory, JobRecord } from '@guestkit/core/history/job-history';
import { JOB_SORT_KEYS, type JobFilter, type JobSort, type TimeRange } from '@guestkit/core/history/job-search';
import type { SearchBounds } from '@guestkit/core/history/sql-search';
import { JOB_STATES, type JobState } from '@guestkit/core/job/state';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { historyImplementations } from '../support/histories.ts';
import { jobDocument } from '../support/job.ts';
import { type JobLife, jobLife, live, minuteOf } from '../support/job-life.ts';

type Demand = Omit<JobFilter, 'tenant'>;

const MANY = 1_000_000;

/** What makes a search go one way or the other. */
const WAYS: readonly (readonly [string, SearchBounds])[] = [
  ['looking up what is few', { few: MANY, fewToCount: MANY, maxLookedAt: MANY }],
  ['following indexes', { few: 0, fewToCount: 0, maxLookedAt: MANY }],
  ['following indexes a few rows at a time', { few: 0, fewToCount: 0, maxLookedAt: 10 }],
];

describe.for(await historyImplementations())('$name', { timeout: 120_000 }, ({ create, absent }) => {
  if (absent) {
    test.skip(absent);
    return;
  }

  const openNew = async (searchBounds?: SearchBounds) =>
    (await create(searchBounds === undefined ? {} : { searchBounds }))();

  describe.for(WAYS)('%s', ([, bounds]) => {
    test('pages through any sort of any filter yield what a plain look at each job does, in its order', async () => {
      await using history = await openNew(bounds);
      const lives = fc.sample(life, { numRuns: 60, seed: 7 }).map(numbered);
      await live(history, lives);
      const records = await recordsOf(history, lives);
      await fc.assert(
        fc.asyncProperty(demand, sort, fc.integer({ min: 1, max: 25 }), async (filter, sort, limit) => {
          const expected = records.filter((record) => matches(record, filter)).sort(orderOf(sort, records));
          const found = await pageThrough(history, filter, { sort, limit });
          expect(found).toEqual(expected.map(({ job_id }) => job_id));
          expect(await history.count({ tenant: 'acme', ...filter })).toBe(expected.length);
          const { jobs, isExact } = await history.countSome({ tenant: 'acme', ...filter });
          if (isExact) expect(jobs).toBe(expected.length);
          else expect(jobs).toBeLessThanOrEqual(expected.length);
        }),
        { numRuns: 150 },
      );
    });

    test('pages yield each job once that was there at the beginning, while others are added and end', async () => {
      await using history = await openNew(bounds);
      const lives = fc.sample(life, { numRuns: 40, seed: 11 }).map(numbered);
      await live(history, lives);
      let added = lives.length;
      await fc.assert(
        fc.asyncProperty(sort, fc.integer({ min: 1, max: 9 }), life, async (sort, limit, other) => {
          const add = async () => {
            added += 1;
            await live(history, [{ ...numbered(other, added), job_id: `job-added-${added}` }]);
          };
          const known = await pageThrough(history, {}, { sort, limit: 100 });
          const seen = await pageThrough(history, {}, { sort, limit: Math.max(limit, known.length / 4) | 0 }, add);
          expect(new Set(seen).size).toBe(seen.length);
          expect(seen.filter((id) => known.includes(id))).toEqual(known);
        }),
        { numRuns: 12 },
      );
    });
  });

  test('an unknown cursor, or one of another sort or filter, is refused', async () => {
    await using history = await openNew();
    await live(
      history,
      [0, 1, 2].map((number) => jobLife({ job_id: `job-number-${number}` })),
    );
    const filter: JobFilter = { tenant: 'acme', status: ['completed'] };
    const { nextCursor } = await history.list(filter, { limit: 1 });
    const cursor = nextCursor ?? '';
    const byName: JobSort = { by: 'name', descending: true };
    await expect(history.list(filter, { limit: 1, cursor })).resolves.toMatchObject({ jobs: [{}] });
    await expect(history.list(filter, { limit: 1, cursor, sort: byName })).rejects.toThrow(RangeError);
    await expect(history.list({ ...filter, pool: ['default'] }, { limit: 1, cursor })).rejects.toThrow(RangeError);
    await expect(history.list({ ...filter, tenant: 'other' }, { limit: 1, cursor })).rejects.toThrow(RangeError);
    for (const foreign of ['', 'rubbish', 'bnVsbA', 'WzEsMl0']) {
      await expect(history.list(filter, { limit: 1, cursor: foreign })).rejects.toThrow(RangeError);
    }
  });

  test.each(['50%', 'a_b', 'back\\slash', '"quoted"', "o'clock", 'Ünï', 'web 07', 'AND'])(
    'the text "%s" in names is found as it is, and as nothing else',
    async (text) => {
      await using history = await openNew({ few: MANY, fewToCount: MANY, maxLookedAt: 1 });
      await live(history, [
        jobLife({ job_id: 'job-number-0', name: `night ${text} shift` }),
        jobLife({ job_id: 'job-number-1', name: 'night 5000 axb backslash quoted oclock Uni web 7 andes shift' }),
        jobLife({ job_id: 'job-number-2', name: `live ${text}`, status: 'pending' }),
      ]);
      const found = await pageThrough(
        history,
        { name: text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) },
        { limit: 1 },
      );
      const expected =
        text === 'AND' ? ['job-number-2', 'job-number-1', 'job-number-0'] : ['job-number-2', 'job-number-0'];
      expect(found).toEqual(expected);
    },
  );

  test('a value in the payload is found by its path and its type', async () => {
    await using history = await openNew();
    await live(history, [
      jobLife({ job_id: 'job-number-0', data: { image: { path: '/a' }, size: 3, disks: [{ id: 'x' }, { id: 'y' }] } }),
      jobLife({ job_id: 'job-number-1', data: { path: '/a', size: '3', 'image.path': '/a', flag: true } }),
      jobLife({ job_id: 'job-number-2', data: null }),
    ]);
    const found = (path: readonly string[], value: string | number | boolean | null) =>
      pageThrough(history, { payload: [{ path, value }] }, { limit: 9 });
    expect(await found(['image', 'path'], '/a')).toEqual(['job-number-0']);
    expect(await found(['image.path'], '/a')).toEqual(['job-number-1']);
    expect(await found(['size'], 3)).toEqual(['job-number-0']);
    expect(await found(['size'], '3')).toEqual(['job-number-1']);
    expect(await found(['disks', '1', 'id'], 'y')).toEqual(['job-number-0']);
    expect(await found(['disks', '0', 'id'], 'y')).toEqual([]);
    expect(await found(['flag'], true)).toEqual(['job-number-1']);
    expect(await found([], null)).toEqual(['job-number-2']);
  });

  test('texts of any length are accepted, found and sorted by', async () => {
    await using history = await openNew();
    // hardly to be compressed
    const long = `x.${Array.from({ length: 900 }, (_, index) => Math.sqrt(index)).join()}`;
    await live(history, [
      jobLife({ job_id: 'job-number-0', operation: `${long}.a`, name: `${long} a`, worker: `${long}-a` }),
      jobLife({ job_id: 'job-number-1', operation: `${long}.b`, name: `${long} b`, worker: `${long}-b` }),
    ]);
    for (const by of JOB_SORT_KEYS) {
      const found = await pageThrough(
        history,
        { operation: [`${long}.b`] },
        { limit: 1, sort: { by, descending: true } },
      );
      expect(found).toEqual(['job-number-1']);
    }
    expect(await pageThrough(history, { worker: [`${long}-a`] }, { limit: 1 })).toEqual(['job-number-0']);
  });

  test('counts by state say what each of them has', async () => {
    await using history = await openNew();
    const states: readonly JobState[] = ['pending', 'running', 'completed', 'completed', 'failed'];
    await live(
      history,
      states.map((status, index) => jobLife({ job_id: `job-number-${index}`, status })),
    );
    const none = { jobs: 0, isExact: true };
    expect(await history.countByStatus({ tenant: 'acme' })).toEqual({
      ...{ pending: { jobs: 1, isExact: true }, assigned: none, running: { jobs: 1, isExact: true } },
      ...{ completed: { jobs: 2, isExact: true }, failed: { jobs: 1, isExact: true }, cancelled: none, timeout: none },
    });
    expect(await history.countByStatus({ tenant: 'acme', status: ['failed'], operation: ['other.one'] })).toEqual({
      failed: none,
    });
  });

  test('a count gives up where it would look at many rows, and says so', async () => {
    await using history = await openNew({ few: 3, fewToCount: 3, maxLookedAt: 35 });
    await live(
      history,
      Array.from({ length: 12 }, (_, index) => jobLife({ job_id: `job-number-${index}`, labels: { a: 'b' } })),
    );
    expect(await history.countSome({ tenant: 'acme' })).toEqual({ jobs: 5, isExact: false });
    expect(await history.countSome({ tenant: 'acme', labels: { a: 'b' } })).toEqual({ jobs: 3, isExact: false });
    expect(await history.countSome({ tenant: 'acme', labels: { a: 'c' } })).toEqual({ jobs: 0, isExact: true });
    expect(await history.count({ tenant: 'acme' })).toBe(12);
  });

  test('jobs that are accepted with the same values as others are all found', async () => {
    await using history = await openNew();
    const accepting = Array.from({ length: 300 }, (_, index) =>
      history.accept({
        ...{ tenant: 'acme', pool: 'default', acceptedAtMs: 0 },
        document: jobDocument({ job_id: `job-number-${index}`, metadata: { name: 'same', labels: { a: 'b' } } }),
      }),
    );
    await Promise.all(accepting);
    expect(await pageThrough(history, { labels: { a: 'b' }, name: 'same' }, { limit: 70 })).toHaveLength(300);
  });
});

const minutes = fc.integer({ min: 0, max: 6 });
const OPERATIONS = ['system.echo', 'guestkit.inspect', 'test.x'];
const NAMES = ['nightly web 07', 'Nightly db', 'ünï', 'a%b', ''];

const life = fc.record({
  status: fc.constantFrom(...JOB_STATES),
  operation: fc.constantFrom(...OPERATIONS),
  pool: fc.constantFrom('default', 'gpu'),
  priority: fc.integer({ min: 1, max: 3 }),
  name: fc.option(fc.constantFrom(...NAMES), { nil: undefined }),
  labels: fc.dictionary(fc.constantFrom('tier', 'zone'), fc.constantFrom('a', 'b')),
  data: fc.record({ size: fc.constantFrom(1, 2, '1'), image: fc.record({ path: fc.constantFrom('/a', '/b') }) }),
  submitted: minutes,
  started: minutes,
  completed: minutes,
  worker: fc.constantFrom('worker-1', 'worker-2'),
  code: fc.constantFrom('IO_ERROR', 'TIMEOUT'),
});

const range: fc.Arbitrary<TimeRange> = fc.record(
  { since: minutes.map(minuteOf), until: minutes.map(minuteOf) },
  { requiredKeys: [] },
);

const demand: fc.Arbitrary<Demand> = fc.record(
  {
    status: fc.subarray([...JOB_STATES]),
    operation: fc.subarray(OPERATIONS, { minLength: 1 }),
    pool: fc.subarray(['default', 'gpu'], { minLength: 1 }),
    worker: fc.subarray(['worker-1', 'worker-2'], { minLength: 1 }),
    errorCode: fc.subarray(['IO_ERROR', 'TIMEOUT'], { minLength: 1 }),
    labels: fc.dictionary(fc.constantFrom('tier', 'zone'), fc.constantFrom('a', 'b')),
    payload: fc.constantFrom([{ path: ['size'], value: 1 }], [{ path: ['image', 'path'], value: '/a' }]),
    name: fc.constantFrom('web', 'NIGHT', 'db', '%', 'w'),
    submitted: range,
    started: range,
    completed: range,
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Demand>;

const sort: fc.Arbitrary<JobSort> = fc.record({ by: fc.constantFrom(...JOB_SORT_KEYS), descending: fc.boolean() });

function numbered(
  { name, ...given }: Omit<JobLife, 'job_id' | 'tenant' | 'name'> & { readonly name: string | undefined },
  index: number,
): JobLife {
  return jobLife({ ...given, ...(name !== undefined && { name }), job_id: `job-number-${index}` });
}

async function recordsOf(history: JobHistory, lives: readonly JobLife[]): Promise<readonly JobRecord[]> {
  const records: JobRecord[] = [];
  for (const { job_id } of lives) {
    const record = await history.find('acme', job_id);
    if (record) records.push(record);
  }
  return records;
}

interface Paging {
  readonly sort?: JobSort;
  readonly limit: number;
}

async function pageThrough(
  history: JobHistory,
  demand: Demand,
  paging: Paging,
  betweenPages: () => Promise<void> = async () => {},
): Promise<readonly string[]> {
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const page = await history.list({ tenant: 'acme', ...demand }, { ...paging, ...(cursor !== null && { cursor }) });
    expect(page.jobs.length).toBeLessThanOrEqual(paging.limit);
    seen.push(...page.jobs.map(({ job_id }) => job_id));
    cursor = page.nextCursor;
    await betweenPages();
  } while (cursor !== null);
  return seen;
}

/** The filter as its documentation has it. */
function matches(job: JobRecord, demand: Demand): boolean {
  const isIn = (values: readonly string[] | undefined, value: string | null) =>
    values === undefined || (value !== null && values.includes(value));
  const isWithin = ({ since = '', until = '9' }: TimeRange | undefined = {}, time: string | null, isAsked: boolean) =>
    !isAsked || (time !== null && time >= since && time < until);
  const labels = Object.entries(demand.labels ?? {});
  return (
    isIn(demand.status, job.status) &&
    isIn(demand.operation, job.operation) &&
    isIn(demand.pool, job.pool) &&
    isIn(demand.worker, job.worker_id) &&
    isIn(demand.errorCode, job.error?.code ?? null) &&
    labels.every(([key, value]) => job.labels[key] === value) &&
    (demand.payload ?? []).every(({ path, value }) => valueAt(job.document.payload.data, path) === value) &&
    (demand.name === undefined || (job.name ?? '').toLowerCase().includes(demand.name.toLowerCase())) &&
    isWithin(demand.submitted, job.submitted_at, demand.submitted !== undefined) &&
    isWithin(demand.started, job.started_at, demand.started !== undefined) &&
    isWithin(demand.completed, job.completed_at, demand.completed !== undefined)
  );
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], value);
}

const KEYS: Readonly<Record<JobSort['by'], (job: JobRecord) => readonly (string | number)[]>> = {
  submitted_at: (job) => [job.submitted_at],
  started_at: (job) => [job.started_at ?? ''],
  completed_at: (job) => [job.completed_at ?? ''],
  duration: ({ started_at, completed_at }) => [
    started_at && completed_at ? Math.max(0, Date.parse(completed_at) - Date.parse(started_at)) : -1,
  ],
  priority: (job) => [job.priority],
  name: (job) => [job.name ?? ''],
  operation: (job) => [job.operation],
  status: (job) => [job.status, job.submitted_at],
};

function orderOf({ by, descending }: JobSort, records: readonly JobRecord[]) {
  return (one: JobRecord, other: JobRecord): number => {
    const pairs = KEYS[by](one).map((key, index) => [key, KEYS[by](other)[index] ?? ''] as const);
    const unequal = pairs.map(([a, b]) => compare(a, b)).find((order) => order !== 0);
    const order = unequal ?? records.indexOf(one) - records.indexOf(other);
    return descending ? -order : order;
  };
}

function compare(one: string | number, other: string | number): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return Buffer.compare(Buffer.from(String(one)), Buffer.from(String(other)));
}
