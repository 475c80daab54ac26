import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { postgresAbsent, startPostgres, type TestPostgres } from '../../../../../test/support/postgres-server.ts';
import { type Element, type ElementType, toArrayParameter } from './array-parameter.ts';

describe.skipIf(postgresAbsent !== undefined)('toArrayParameter', () => {
  let postgres: TestPostgres;
  let client: Client;
  beforeAll(async () => {
    postgres = await startPostgres();
    client = new Client({ connectionString: await postgres.newDatabase() });
    await client.connect();
  });
  afterAll(async () => {
    await client.end();
    await postgres[Symbol.asyncDispose]();
  });

  test.each<[type: ElementType, elements: readonly Element[], stored: readonly (string | null)[]]>([
    ['text', [], []],
    ['text', ['', 'NULL', null, '{"a": "b\\\\c"}', 'ä€😀'], ['', 'NULL', null, '{"a": "b\\\\c"}', 'ä€😀']],
    ['text', ['half \ud83d of a pair'], ['half \ufffd of a pair']],
    ['bigint', [], []],
    ['bigint', [0, -1, null, 2 ** 32], ['0', '-1', null, '4294967296']],
    ['bigint', [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER], ['9007199254740991', '-9007199254740991']],
    ['jsonb', ['{"a":[1,"ä"]}', null, '"\\""'], ['{"a": [1, "ä"]}', null, '"\\""']],
  ])('PostgreSQL reads an array of %s: %j', async (type, elements, stored) => {
    const query = `select element::text from unnest($1::${type}[]) as given (element)`;
    const { rows } = await client.query(query, [toArrayParameter(type, elements)]);
    expect(rows.map(({ element }) => element)).toEqual(stored);
  });
});
