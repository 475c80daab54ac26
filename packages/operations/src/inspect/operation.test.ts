import { DEFAULT_INSPECT_OPTIONS } from '@guestkit/guest';
import { describe, expect, test } from 'vitest';
import { inspectOperation } from './operation.ts';

const IMAGE = { path: '/images/web.qcow2', format: 'qcow2' };

function parse(data: object) {
  return inspectOperation.payload.parse({ image: IMAGE, ...data });
}

function accepts(data: unknown): boolean {
  return inspectOperation.payload.safeParse(data).success;
}

describe('the payload of guestkit.inspect', () => {
  test('without options behaves as with empty ones', () => {
    expect(parse({}).options).toEqual(DEFAULT_INSPECT_OPTIONS);
    expect(parse({ options: {} }).options).toEqual(DEFAULT_INSPECT_OPTIONS);
  });

  test('keeps the options that are given', () => {
    expect(parse({ options: { include_users: false, deep_scan: true } }).options).toEqual({
      ...DEFAULT_INSPECT_OPTIONS,
      include_users: false,
      deep_scan: true,
    });
  });

  test.each([
    ['options that are null', { image: IMAGE, options: null }],
    ['an option that is null', { image: IMAGE, options: { include_users: null } }],
    ['an option that is no boolean', { image: IMAGE, options: { include_users: 'yes' } }],
    ['no image', {}],
    ['an image without a format', { image: { path: '/a' } }],
    ['an image without a path', { image: { format: 'raw' } }],
    ['an override of a format that is not said', { image: { ...IMAGE, format: 'img', allow_format_override: true } }],
    ['an override that is no boolean', { image: { ...IMAGE, allow_format_override: 'yes' } }],
    ['an output of another format', { image: IMAGE, output: { format: 'xml', destination: '/r' } }],
    ['an output without a destination', { image: IMAGE, output: { format: 'json' } }],
    ['a negative size', { image: { ...IMAGE, size_bytes: -1 } }],
    ['no object', null],
  ])('refuses %s', (_, data) => {
    expect(accepts(data)).toBe(false);
  });

  test.each([
    ['an output that is null', { image: IMAGE, output: null }],
    ['a compression that is null', { image: IMAGE, output: { format: 'json', destination: '/r', compression: null } }],
    ['unknown members', { image: { ...IMAGE, colour: 1 }, colour: 2, options: { colour: 3 } }],
  ])('accepts %s', (_, data) => {
    expect(accepts(data)).toBe(true);
  });

  test('names the image and its checksum', () => {
    const payload = parse({ image: { ...IMAGE, checksum: 'sha256:ab', read_only: true, size_bytes: 5 } });
    expect(inspectOperation.images(payload)).toEqual([{ ...IMAGE, checksum: 'sha256:ab' }]);
    expect(inspectOperation.images(parse({}))).toEqual([IMAGE]);
    const overriding = parse({ image: { ...IMAGE, allow_format_override: true } });
    expect(inspectOperation.images(overriding)).toEqual([{ ...IMAGE, allowFormatOverride: true }]);
  });

  test('names the output that is asked for', () => {
    const output = { format: 'yaml', destination: '/results/a.yaml.gz', compression: 'gzip' };
    expect(inspectOperation.output(parse({ output }))).toEqual({ ...output, member: 'inspect' });
    expect(inspectOperation.output(parse({}))).toBeUndefined();
  });
});
