import * as z from 'zod';

type Members = Readonly<Record<string, unknown>>;

/** Parses what is well formed, in a twentieth of the time; `undefined` is for whoever can say what is wrong. */
export interface FastShape<Output> {
  parse(members: Members): Output | undefined;
}

/**
 * Reads by a schema whose members may be null as well as absent. zod does not compile objects that have preprocessors in them, and
 * writes a report even of what is right.
 */
export function fastShapeOf<Shape extends z.ZodRawShape>(
  schema: z.ZodObject<Shape>,
): FastShape<z.output<z.ZodObject<Shape>>> {
  const read = readerOf(schema);
  return {
    parse: (members) => {
      const value = read(members);
      return value === MISFIT ? undefined : (value as z.output<z.ZodObject<Shape>>);
    },
  };
}

const MISFIT = Symbol('not of the shape');

/** Answers with the output for a value, `undefined` for one that is left out, or `MISFIT`. */
type Reader = (value: unknown) => unknown;

function readerOf(schema: z.ZodType): Reader {
  const after = afterPreprocessing(schema);
  if (after) return readerOfNullable(after);
  if (schema instanceof z.ZodOptional) return orAbsent(readerOf(schema.unwrap() as z.ZodType));
  if (schema instanceof z.ZodNumber) return numberReader(schema);
  if (hasChecks(schema)) return wholeReader(schema);
  if (schema instanceof z.ZodDefault) return defaultReader(schema);
  if (schema instanceof z.ZodObject) return objectReader(schema);
  if (isRecordOfText(schema)) return readRecordOfText;
  if (schema instanceof z.ZodString) return (value) => (typeof value === 'string' ? value : MISFIT);
  if (schema instanceof z.ZodBoolean) return (value) => (typeof value === 'boolean' ? value : MISFIT);
  return wholeReader(schema);
}

/** Null reads as absent; a member that is required has its absence filled in. */
function readerOfNullable(after: z.ZodType): Reader {
  const read = readerOf(after);
  return after instanceof z.ZodOptional ? (value) => read(value ?? undefined) : (value) => read(value ?? {});
}

function orAbsent(read: Reader): Reader {
  return (value) => (value === undefined ? undefined : read(value));
}

function defaultReader(schema: z.ZodDefault): Reader {
  const read = readerOf(schema.unwrap() as z.ZodType);
  return (value) => (value === undefined ? schema.def.defaultValue : read(value));
}

function objectReader(schema: z.ZodObject): Reader {
  const readers = Object.entries(schema.shape).map(([key, member]) => [key, readerOf(member)] as const);
  return (value) => {
    if (!isPlainObject(value)) return MISFIT;
    const output: Record<string, unknown> = {};
    for (const [key, read] of readers) {
      const member = read(value[key]);
      if (member === MISFIT) return MISFIT;
      if (member !== undefined) output[key] = member;
    }
    return output;
  };
}

/** Of whole numbers between bounds. */
function numberReader(schema: z.ZodNumber): Reader {
  if (schema.format !== 'safeint' || !schema.def.checks?.every(isInclusiveBound)) return wholeReader(schema);
  const [min, max] = [schema.minValue ?? Number.NEGATIVE_INFINITY, schema.maxValue ?? Number.POSITIVE_INFINITY];
  return (value) => (Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max ? value : MISFIT);
}

function isInclusiveBound(check: z.core.$ZodCheck<never>): boolean {
  const isBound = check instanceof z.core.$ZodCheckGreaterThan || check instanceof z.core.$ZodCheckLessThan;
  return isBound && check._zod.def.inclusive;
}

const readRecordOfText: Reader = (value) => {
  if (!isPlainObject(value)) return MISFIT;
  const output: Record<string, string> = {};
  for (const key of Object.keys(value)) {
    const member = value[key];
    // what becomes of this one key is for zod to say
    if (typeof member !== 'string' || key === '__proto__') return MISFIT;
    output[key] = member;
  }
  return output;
};

/** What zod does well enough, or what is seldom there. */
function wholeReader(schema: z.ZodType): Reader {
  return (value) => {
    const parsed = schema.safeParse(value);
    return parsed.success ? parsed.data : MISFIT;
  };
}

function isRecordOfText(schema: z.ZodType): boolean {
  if (!(schema instanceof z.ZodRecord)) return false;
  return [schema.keyType, schema.valueType].every((type) => type instanceof z.ZodString && !hasChecks(type));
}

/** As JSON has them, and not of a class of the reader's. */
function isPlainObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function afterPreprocessing(schema: z.ZodType): z.ZodType | undefined {
  const isPreprocessed = schema instanceof z.ZodPipe && schema.def.in instanceof z.ZodTransform;
  return isPreprocessed ? (schema.def.out as z.ZodType) : undefined;
}

/** Rules of its own, beyond its type. */
function hasChecks(schema: z.ZodType): boolean {
  return (schema.def.checks?.length ?? 0) > 0;
}
