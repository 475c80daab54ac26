import type { WorkerAdvertisement } from '@guestkit/core/coordination/worker-registry';
import { parseJobDocument } from '@guestkit/core/job/parse';
import { describe, expect, test } from 'vitest';
import { admissionWarnings } from './admission.ts';
import { advertisement } from './testing/advertisement.ts';

function warningsFor(members: object, workers: readonly WorkerAdvertisement[]): readonly string[] {
  const text = JSON.stringify({ operation: 'system.echo', payload: { data: null }, ...members });
  return admissionWarnings({ document: parseJobDocument(text, 'http').document, pool: 'default' }, workers);
}

describe('admissionWarnings', () => {
  test('has nothing to say when a live worker may run the job', () => {
    expect(warningsFor({}, [advertisement()])).toEqual([]);
  });

  test('tells that no worker of the pool is live', () => {
    expect(warningsFor({}, [advertisement({ pool: 'other' })])).toEqual([
      'No worker of pool "default" is live: the job waits for one',
    ]);
  });

  test('does not count on a worker that drains', () => {
    expect(warningsFor({}, [advertisement({ state: 'draining' })])).toEqual([
      'No worker of pool "default" is live: the job waits for one',
    ]);
  });

  test('tells that nobody offers the operation', () => {
    expect(warningsFor({ operation: 'guestkit.convert' }, [advertisement()])).toEqual([
      'No live worker of pool "default" offers the operation "guestkit.convert"',
    ]);
  });

  test('tells which demand of the job no worker meets', () => {
    const warnings = warningsFor({ constraints: { required_features: ['lvm'] } }, [advertisement()]);
    expect(warnings).toEqual([expect.stringContaining('required [lvm]')]);
  });

  test('is content with one worker that meets the demands among others that do not', () => {
    const workers = [advertisement({ worker_id: 'a' }), advertisement({ worker_id: 'b', features: ['lvm'] })];
    expect(warningsFor({ constraints: { required_features: ['lvm'] } }, workers)).toEqual([]);
  });
});
