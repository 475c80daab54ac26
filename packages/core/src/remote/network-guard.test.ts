import { expect, test } from 'vitest';
import { parseHostRule } from './host-rule.ts';
import { NetworkGuard, type Resolve } from './network-guard.ts';

const PUBLIC = { address: '93.184.215.14', family: 4 };
const METADATA = { address: '169.254.169.254', family: 4 };

test('the guard resolves a name once, so that a second answer cannot lead elsewhere', async () => {
  const answers = [[PUBLIC], [METADATA]];
  const guard = guardWith(['*'], async () => answers.shift() ?? []);
  expect(await guard.admit(new URL('https://rebind.example/a'))).toEqual([PUBLIC]);
  expect(await guard.admit(new URL('https://rebind.example/b'))).toEqual([PUBLIC]);
});

test('the guard refuses a name of which one address is not allowed', async () => {
  const guard = guardWith(['*'], async () => [PUBLIC, METADATA]);
  await expect(guard.admit(new URL('https://both.example/'))).rejects.toMatchObject({ kind: 'denied' });
});

test('the guard does not even ask for names that no rule could admit', async () => {
  const guard = guardWith(['a.example'], async () => {
    throw new Error('asked');
  });
  await expect(guard.admit(new URL('https://b.example/'))).rejects.toMatchObject({ kind: 'denied' });
});

test('a refusal does not tell where a name leads', async () => {
  const guard = guardWith(['*'], async () => [{ address: '10.9.8.7', family: 4 }]);
  await expect(guard.admit(new URL('https://inside.example/'))).rejects.toThrow(
    /^Cannot read from "https:\/\/inside\.example": images from there are not allowed$/,
  );
});

test.each([
  'https://2130706433/',
  'https://0x7f.1/',
  'https://0177.0.0.1/',
  'https://127.1/',
  'https://[::1]/',
  'https://[::ffff:7f00:1]/',
  'https://[64:ff9b::7f00:1]/',
  'https://localhost/',
])('%s is loopback, which is not open to all', async (url) => {
  const guard = new NetworkGuard([parseHostRule('*')]);
  await expect(guard.admit(new URL(url))).rejects.toMatchObject({ kind: 'denied' });
});

test('a name that leads nowhere may do so for a while', async () => {
  const guard = guardWith(['*'], async () => {
    throw new Error('ENOTFOUND');
  });
  await expect(guard.admit(new URL('https://missing.example/'))).rejects.toMatchObject({ kind: 'unreachable' });
});

function guardWith(rules: readonly string[], resolve: Resolve): NetworkGuard {
  return new NetworkGuard(rules.map(parseHostRule), resolve);
}
