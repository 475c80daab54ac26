import { describe, expect, test } from 'vitest';
import { type JobDocument, jobDocumentSchema } from './document.ts';
import { ineligibility, type WorkerOffer } from './eligibility.ts';
import { isPoolName, poolOf } from './pool.ts';
import { violationOf } from './validate.ts';
import { isAtLeast } from './version.ts';

const WORKER: WorkerOffer = {
  worker_id: 'w1',
  version: '0.2.0',
  hostname: 'node-1',
  capabilities: { operations: ['guestkit.inspect'], features: ['lvm', 'qemu-img'], disk_formats: ['qcow2'] },
  resources: { max_disk_size_gb: 500 },
  configuration: { privileged: false, worker_pool: 'lab', labels: { zone: 'a', 'topology/rack': '7' } },
};

function job(members: Readonly<Record<string, unknown>> = {}): JobDocument {
  return jobDocumentSchema.parse({
    version: '1.0',
    job_id: 'job-test-0001',
    created_at: '2026-05-04T08:00:00Z',
    kind: 'VMOperation',
    operation: 'guestkit.inspect',
    payload: { type: 'guestkit.inspect.v1', data: {} },
    ...members,
  });
}

describe('ineligibility is undefined for', () => {
  test.each([
    {},
    { constraints: {}, routing: {} },
    { constraints: { required_capabilities: ['guestkit.inspect', 'lvm', 'qcow2'] } },
    { constraints: { required_features: [], allowed_worker_pools: [] } },
    { constraints: { required_features: ['lvm'] } },
    { constraints: { minimum_worker_version: '0.2' } },
    { constraints: { maximum_disk_size_gb: 500 } },
    { constraints: { require_privileged: false, allowed_worker_pools: ['x', 'lab'] } },
    { routing: { worker_id: 'w1', worker_pool: 'lab' } },
    { routing: { affinity: { zone: 'a', host: 'node-1', 'topology/rack': '7' } } },
    { routing: { anti_affinity: { zone: ['b'], host: ['busy-1'], unset: ['', 'x'] } } },
  ])('%j', (members) => {
    expect(ineligibility(job(members), WORKER)).toBeUndefined();
  });
});

describe('ineligibility says why', () => {
  test.each([
    [
      { constraints: { required_capabilities: ['guestkit.fix', 'lvm'] } },
      'Capability mismatch: required [guestkit.fix, lvm], available [guestkit.inspect, lvm, qemu-img, qcow2]',
    ],
    [
      { constraints: { required_features: ['ntfs'] } },
      'Capability mismatch: required [ntfs], available [lvm, qemu-img]',
    ],
    [{ constraints: { required_features: ['qcow2'] } }, /Capability mismatch/],
    [{ constraints: { minimum_worker_version: '0.10.0' } }, 'Worker version is 0.2.0, required at least 0.10.0'],
    [{ constraints: { minimum_worker_version: 'abc' } }, 'Worker version is 0.2.0, required at least abc'],
    [{ constraints: { maximum_disk_size_gb: 501 } }, 'Worker takes disks of up to 500 GB, required 501 GB'],
    [{ constraints: { require_privileged: true } }, 'Worker is not privileged'],
    [{ constraints: { allowed_worker_pools: ['x', 'y'] } }, 'Worker pool is "lab", required one of [x, y]'],
    [{ routing: { worker_id: 'w2' } }, 'Worker id is "w1", required "w2"'],
    [{ routing: { worker_pool: 'x' } }, 'Worker pool is "lab", required "x"'],
    [{ routing: { affinity: { zone: 'b' } } }, 'Worker label "zone" is "a", required "b"'],
    [{ routing: { affinity: { gpu: 'yes' } } }, 'Worker label "gpu" is not set, required "yes"'],
    [
      { routing: { anti_affinity: { host: ['x', 'node-1'] } } },
      'Worker label "host" is "node-1", required none of [x, node-1]',
    ],
  ])('for %j', (members, reason) => {
    expect(ineligibility(job(members), WORKER)).toMatch(
      reason instanceof RegExp ? reason : new RegExp(`^${RegExp.escape(reason)}$`),
    );
  });
});

test('ineligibility lets a worker without a bound take any disk', () => {
  const unbound = { ...WORKER, resources: { max_disk_size_gb: 0 } };
  expect(ineligibility(job({ constraints: { maximum_disk_size_gb: 99_999 } }), unbound)).toBeUndefined();
});

describe('poolOf', () => {
  test.each([
    [{}, 'default'],
    [{ routing: { worker_pool: 'lab' } }, 'lab'],
    [{ routing: { worker_pool: 'lab' }, constraints: { allowed_worker_pools: ['x', 'lab'] } }, 'lab'],
    [{ constraints: { allowed_worker_pools: ['x', 'default'] } }, 'default'],
    [{ constraints: { allowed_worker_pools: ['x', 'y'] } }, 'x'],
    [{ constraints: { allowed_worker_pools: ['../x', 'y'] } }, 'y'],
    [{ constraints: { allowed_worker_pools: [] } }, 'default'],
  ])('for %j is %s', (members, pool) => {
    expect(poolOf(job(members), 'default')).toBe(pool);
  });

  test.each([
    [
      { routing: { worker_pool: 'lab' }, constraints: { allowed_worker_pools: ['x', 'y'] } },
      'routing.worker_pool',
      /^Invalid field value: routing.worker_pool - 'lab' is not in allowed_worker_pools \[x, y\]$/,
    ],
    [{ routing: { worker_pool: 'a:b' } }, 'routing.worker_pool', /'a:b' is not the name of a pool/],
    [{ routing: { worker_pool: '' } }, 'routing.worker_pool', /'' is not the name of a pool/],
    [{ constraints: { allowed_worker_pools: ['../x'] } }, 'constraints.allowed_worker_pools', /not the name of a pool/],
  ])('is not to be had from %j', (members, field, message) => {
    expect(violationOf(job(members))).toEqual({ field, message: expect.stringMatching(message) });
  });

  test('takes for a pool only what is safe in a Redis key', () => {
    expect(['default', 'lab-a', 'gpu_2.x', '9'].every(isPoolName)).toBe(true);
    expect(['', '.', '-x', 'a b', 'a:b', 'a/b', 'a{b}', 'é', 'x'.repeat(65)].some(isPoolName)).toBe(false);
  });
});

describe('isAtLeast', () => {
  test('follows the precedence of semantic versioning', () => {
    const rising = [
      '1.0.0-alpha',
      '1.0.0-alpha.1',
      '1.0.0-alpha.beta',
      '1.0.0-beta',
      '1.0.0-beta.2',
      '1.0.0-beta.11',
      '1.0.0-rc.1',
      '1.0.0',
      '1.0.1',
      '1.2',
      '1.10',
      '2',
    ];
    for (const [i, lower] of rising.entries()) {
      for (const [j, higher] of rising.entries())
        expect([higher, lower, isAtLeast(higher, lower)]).toEqual([higher, lower, j >= i]);
    }
  });

  test('ignores the build and a leading v', () => {
    expect(isAtLeast('v1.2.3+build.5', '1.2.3')).toBe(true);
    expect(isAtLeast('1.2.3', 'v1.2.3+later')).toBe(true);
  });

  test.each(['', 'abc', '1.x', '1.2.3.4', '-1', '1.2-'])('knows that %j is not a version', (text) => {
    expect(isAtLeast('1.0.0', text)).toBeUndefined();
    expect(isAtLeast(text, '1.0.0')).toBeUndefined();
  });
});
