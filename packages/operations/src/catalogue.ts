import { echoOperations } from './echo/operation.ts';
import { inspectOperation } from './inspect/operation.ts';
import type { Operation } from './operation.ts';

// Every operation that can be posted, as the supervisor knows it. runners.ts holds what runs, under the same names.

const OPERATIONS: readonly Operation[] = [...echoOperations, inspectOperation as Operation];

export const operations: ReadonlyMap<string, Operation> = new Map(
  OPERATIONS.map((operation) => [operation.name, operation]),
);

export function findOperation(name: string): Operation | undefined {
  return operations.get(name);
}
