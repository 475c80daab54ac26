import { describe, expect, test } from 'vitest';
import { JobNews } from './job-news.ts';

const LONG_MS = 60_000;
const never = new AbortController().signal;

describe('JobNews', () => {
  test('wakes all who follow the job that is rung for', async () => {
    const news = new JobNews();
    const woken = Promise.all([news.next('job-a', LONG_MS, never), news.next('job-a', LONG_MS, never)]);
    news.ring(['job-b', 'job-a']);
    await expect(woken).resolves.toBeDefined();
  });

  test('lets those who follow other jobs sleep', async () => {
    const news = new JobNews();
    const sleeper = new AbortController();
    let woken = false;
    const waiting = news.next('job-a', LONG_MS, sleeper.signal).then(() => {
      woken = true;
    });
    news.ring(['job-b']);
    await new Promise(setImmediate);
    expect(woken).toBe(false);
    sleeper.abort();
    await waiting;
  });

  test('wakes when the time is over', async () => {
    await expect(new JobNews().next('job-a', 1, never)).resolves.toBeUndefined();
  });

  test('wakes at once when the signal has fired before', async () => {
    await expect(new JobNews().next('job-a', LONG_MS, AbortSignal.abort())).resolves.toBeUndefined();
  });
});
