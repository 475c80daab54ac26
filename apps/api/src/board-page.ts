import * as z from 'zod';
import type { RouteDescription } from './routes/route.ts';

/** Where Bull Board is mounted: an application of its own, which answers all addresses below. */
export const BOARD_PAGE: RouteDescription = {
  method: 'get',
  path: '/board',
  id: 'getBoard',
  summary: 'Bull Board: the queues for people to look at',
  answers: { 200: { meaning: 'The page', content: { 'text/html': z.string() } } },
};
