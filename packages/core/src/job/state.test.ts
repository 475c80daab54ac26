import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { canMove, isFinal, JOB_MOVES, JOB_STATES, type JobState } from './state.ts';

describe('the state machine', () => {
  test('is the one drawn in docs/job-lifecycle.md', () => {
    const table = JOB_STATES.flatMap((from) => JOB_MOVES[from].map((to) => `${from} --> ${to}`));
    const ends = JOB_STATES.filter(isFinal).map((state) => `${state} --> [*]`);
    expect(drawnMoves()).toEqual(['[*] --> pending', ...table, ...ends].sort());
  });

  test('ends in completed, failed, cancelled or timeout, and does not move from there', () => {
    expect(JOB_STATES.filter(isFinal)).toEqual(['completed', 'failed', 'cancelled', 'timeout']);
    for (const from of JOB_STATES.filter(isFinal)) expect(JOB_STATES.filter((to) => canMove(from, to))).toEqual([]);
  });

  test('completes only what runs', () => {
    expect(JOB_STATES.filter((from) => canMove(from, 'completed'))).toEqual(['running']);
  });

  test('lets every state be reached, and an end be reached from every state', () => {
    for (const state of JOB_STATES) {
      expect(reachable('pending')).toContain(state);
      expect([...reachable(state)].some(isFinal)).toBe(true);
    }
  });
});

function drawnMoves(): readonly string[] {
  const page = readFileSync(path.join(import.meta.dirname, '../../../../docs/job-lifecycle.md'), 'utf8');
  const drawing = /```mermaid\n(.*?)```/s.exec(page)?.[1] ?? '';
  return [...drawing.matchAll(/^\s*(\S+) --> (\S+?)(?: *:.*)?$/gm)].map(([, from, to]) => `${from} --> ${to}`).sort();
}

function reachable(from: JobState, seen: Set<JobState> = new Set()): ReadonlySet<JobState> {
  if (seen.has(from)) return seen;
  seen.add(from);
  for (const to of JOB_MOVES[from]) reachable(to, seen);
  return seen;
}
