import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { JobDocumentError } from './job-document-error.ts';
import { type Door, parseJobDocument } from './parse.ts';

type Verdict = 'accept' | 'invalid' | 'parse';

interface Case {
  readonly name: string;
  readonly doc: string;
  readonly strict: Verdict;
  readonly http: Verdict;
}

const CORPUS =
  process.env.GUESTKIT_PROTOCOL_CORPUS ?? path.join(import.meta.dirname, '../../../../../shared/protocol-corpus.jsonl');

/** Where we decided otherwise than the implementation whose verdicts the corpus holds. */
const OURS: Readonly<Record<string, Partial<Record<Door, Verdict>>>> = {
  // partial documents are filled in over HTTP
  'missing version': { http: 'accept' },
  'missing job_id': { http: 'accept' },
  'missing created_at': { http: 'accept' },
  'missing kind': { http: 'accept' },
  // ids are safe as names of files
  "job_id 'éééé'": { strict: 'invalid', http: 'invalid' },
  "job_id '../../etc/x'": { strict: 'invalid', http: 'invalid' },
  "job_id 'a b c d e'": { strict: 'invalid', http: 'invalid' },
  "job_id 'job/with/slash'": { strict: 'invalid', http: 'invalid' },
  // arrays in place of objects were an accident of a decoder
  'array seq form': { strict: 'parse' },
  'payload seq form': { strict: 'parse', http: 'parse' },
};

const VERDICT_OF_STAGE: Readonly<Record<JobDocumentError['stage'], Verdict>> = {
  shape: 'parse',
  validation: 'invalid',
};

describe.skipIf(!existsSync(CORPUS))(
  `the verdicts of the protocol corpus${existsSync(CORPUS) ? '' : ` (not at ${CORPUS})`}`,
  () => {
    const cases = existsSync(CORPUS) ? readCases() : [];

    test('are those of 133 documents, every exception of ours among them', () => {
      expect(cases).toHaveLength(133);
      const names = new Set(cases.map(({ name }) => name));
      expect(Object.keys(OURS).filter((name) => !names.has(name))).toEqual([]);
    });

    test.each(cases)('hold for $name', ({ name, doc, strict, http }) => {
      const expected = { strict, http, ...OURS[name] };
      expect({ strict: verdictOn(doc, 'strict'), http: verdictOn(doc, 'http') }).toEqual(expected);
    });
  },
);

function readCases(): readonly Case[] {
  const lines = readFileSync(CORPUS, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line));
}

function verdictOn(text: string, door: Door): Verdict {
  try {
    parseJobDocument(text, door);
    return 'accept';
  } catch (error) {
    if (error instanceof JobDocumentError) return VERDICT_OF_STAGE[error.stage];
    throw error;
  }
}
