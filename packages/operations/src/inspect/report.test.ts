import type { InspectDocument } from '@guestkit/guest';
import { describe, expect, test } from 'vitest';
import { renderInspectReport } from './report.ts';

const EMPTY: InspectDocument = {
  version: '1.0',
  image: {
    format: 'qcow2',
    raw_by_elimination: false,
    format_override: null,
    virtual_size: 2 ** 30,
    file_size: 1024,
    partition_table: 'gpt',
    chain: [],
  },
  operating_system: null,
  operating_systems: [],
  mountpoints: [],
  collectors: {},
  warnings: [],
};

describe('renderInspectReport', () => {
  test('says so when there is no operating system', () => {
    expect(renderInspectReport(EMPTY)).toBe('disk:        qcow2, 1 GiB\nsystem:      none found\n');
  });

  test('names what could not be collected, and why', () => {
    const report = renderInspectReport({ ...EMPTY, packages: { status: 'corrupt', reason: 'line 7 is torn' } });
    expect(report).toContain('packages:    corrupt: line 7 is torn\n');
  });

  test('shows a few packages and how many more there are', () => {
    const installed = Array.from({ length: 10 }, (_, index) => ({
      name: `p${index}`,
      version: '1',
      architecture: null,
      source: null,
      section: null,
      maintainer: null,
      installed_size_bytes: null,
      essential: false,
      status: 'installed',
    }));
    const names = installed.map(({ name }) => name);
    const packages = { status: 'ok', count: 10, manager: 'dpkg', packages: names, installed, incomplete: [] } as const;
    const report = renderInspectReport({ ...EMPTY, packages });
    expect(report).toMatch(/^packages: {4}10 \(dpkg\): p0 1, .*p7 1, and 2 more$/m);
  });

  test('lets no text of the guest act upon the terminal', () => {
    const report = renderInspectReport({ ...EMPTY, warnings: ['\u001b]0;owned\u0007 \u202e'] });
    expect(report).toContain('note:        \\x1b]0;owned\\x07 \\u{202e}\n');
  });
});
