import { describe, expect, test } from 'vitest';
import { attemptEvents } from '../../../../../test/support/job-events.ts';
import { decodeEvents, encodeEvents } from './event-codec.ts';

const bytes = (value: string | Buffer) => Buffer.from(value);

describe('encodeEvents', () => {
  test('does not say again of which attempt an event is', async () => {
    const [one, other] = [attemptEvents({ job_id: 'job-first-001' }), attemptEvents({ job_id: 'job-other-001' })];
    const told = { token: 'token-1' };
    const events = [
      { ...one.assigned(), ...told },
      { ...one.running(), ...told },
      { ...other.assigned(), ...told },
      other.running(),
      one.finished(),
    ];
    const [[field, value] = ['json', ''], ...more] = await encodeEvents(events);
    expect([field, more]).toEqual(['batch', []]);
    const entry: readonly object[] = JSON.parse(String(value));
    expect(entry.map((event) => 'job_id' in event)).toEqual([true, false, true, true, true]);
    expect(await decodeEvents([bytes(field), bytes(value)])).toEqual(events);
  });

  test('says it again after an event that stands alone', async () => {
    const attempt = attemptEvents();
    const large = attempt.finished({ data: 'x'.repeat(20_000) });
    const events = [attempt.assigned(), large, attempt.running(), attempt.progress()];
    const entries = await encodeEvents(events);
    expect(entries.map(([field]) => field)).toEqual(['json', 'zstd', 'batch']);
    const decoded = await Promise.all(entries.map(([field, value]) => decodeEvents([bytes(field), bytes(value)])));
    expect(decoded.flat()).toEqual(events);
  });
});
