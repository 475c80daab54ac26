import { describe, expect, test } from 'vitest';
import { admits, type HostRule, PERSONAL_HOSTS, parseHostRule } from './host-rule.ts';

const PUBLIC = '93.184.215.14';

describe('parseHostRule', () => {
  test.each([
    ['images.example.com', { plain: false, host: 'images.example.com', opens: 'private' }],
    ['http://IMAGES.lab:8080', { plain: true, host: 'images.lab', port: 8080, opens: 'private' }],
    ['*.example.com', { plain: false, host: '*.example.com', opens: 'private' }],
    ['*', { plain: false, host: '*', opens: 'public' }],
    ['http://127.0.0.1:9', { plain: true, host: '127.0.0.1/32', port: 9, opens: 'any' }],
    ['10.0.0.0/8', { plain: false, host: '10.0.0.0/8', opens: 'any' }],
    ['[fd00::]/8:8443', { plain: false, host: 'fd00::/8', port: 8443, opens: 'any' }],
    ['[::1]', { plain: false, host: '::1/128', opens: 'any' }],
  ])('reads "%s"', (text, rule) => {
    expect(parseHostRule(text)).toEqual(rule);
  });

  test.each(['', 'ftp://a', 'a b', '10.0.0.0/33', '1.2.3', 'a:99999', 'a/b', '*.*', '[::1', 'user@host', 'a..b'])(
    'refuses "%s"',
    (text) => {
      expect(() => parseHostRule(text)).toThrow(RangeError);
    },
  );
});

describe('a rule', () => {
  test.each([
    ['a.example', 'https://a.example/x', PUBLIC, true],
    ['a.example', 'https://A.EXAMPLE./x', PUBLIC, true],
    ['a.example', 'https://b.a.example/x', PUBLIC, false],
    ['*.a.example', 'https://b.a.example/x', PUBLIC, true],
    ['*.a.example', 'https://a.example/x', PUBLIC, false],
    ['a.example', 'http://a.example/x', PUBLIC, false],
    ['http://a.example', 'http://a.example/x', PUBLIC, true],
    ['http://a.example', 'https://a.example/x', PUBLIC, true],
    ['a.example', 'https://a.example:8443/x', PUBLIC, false],
    ['a.example:8443', 'https://a.example:8443/x', PUBLIC, true],
    ['a.example:8443', 'https://a.example/x', PUBLIC, false],
    ['a.example', 'https://a.example/x', '10.1.2.3', true],
    ['a.example', 'https://a.example/x', '169.254.169.254', false],
    ['169.254.169.254', 'https://169.254.169.254/x', '169.254.169.254', true],
    ['*', 'https://a.example/x', PUBLIC, true],
    ['*', 'https://a.example/x', '10.1.2.3', false],
    ['*', 'https://a.example/x', '::ffff:10.1.2.3', false],
    ['10.0.0.0/8', 'https://a.example/x', '10.1.2.3', true],
    ['10.0.0.0/8', 'https://a.example/x', '11.1.2.3', false],
    ['[fd00::]/8', 'https://a.example/x', 'fd12::1', true],
    ['[fd00::]/8', 'https://a.example/x', '10.1.2.3', false],
  ])('"%s" for %s at %s: %s', (text, url, address, expected) => {
    expect(admits(parseHostRule(text), new URL(url), address)).toBe(expected);
  });

  test('of a person opens their own network, but not where clouds keep credentials', () => {
    const [rule] = PERSONAL_HOSTS as readonly [HostRule];
    expect(admits(rule, new URL('http://nas:8080/x'), '192.168.1.2')).toBe(true);
    expect(admits(rule, new URL('http://nas:8080/x'), '127.0.0.1')).toBe(true);
    expect(admits(rule, new URL('http://metadata/x'), '169.254.169.254')).toBe(false);
  });
});
