import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Channel } from './channel.ts';
import { encodeFrame } from './frame.ts';

/** More than is kept ready for them. */
const ANSWERS = 20;
const ANSWER_BYTES = 2 ** 20 + 1;

let folder: string;
let descriptor: number;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'channel-'));
  const file = path.join(folder, 'answers');
  const frames = Array.from({ length: ANSWERS }, (_, n) => encodeFrame('bytes', Buffer.alloc(ANSWER_BYTES, n)));
  writeFileSync(file, Buffer.concat([...frames, encodeFrame('bytes', Buffer.from('small'))]));
  descriptor = openSync(file, 'r');
});

afterEach(() => {
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

test('answers stay as they came, however many follow', () => {
  const channel = new Channel(descriptor);
  const bodies = Array.from({ length: ANSWERS }, () => channel.receive().body);
  expect(channel.receive().body.toString()).toBe('small');
  bodies.forEach((body, n) => {
    expect(body.equals(Buffer.alloc(ANSWER_BYTES, n))).toBe(true);
  });
});
