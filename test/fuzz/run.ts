// `npm run fuzz`: changes images of every kind in all ways that we know, and reads them. Nothing but a DiskError may come of it.
//
//   npm run fuzz                              a minute for each family
//   npm run fuzz -- --minutes 10              ten
//   npm run fuzz -- --cases 200000            until so many cases were run, however long it takes
//   npm run fuzz -- --family qcow2            one family, or several
//   npm run fuzz -- --seed 7                  the same cases again
//   npm run fuzz -- --workers 4               so many families at once
//   npm run fuzz -- --replay FILE.json        runs again what was found
import path from 'node:path';
import { parseArgs } from 'node:util';
import { FAMILIES, familyNamed } from './families.ts';
import { renderFigures } from './report.ts';
import { type Figures, fuzzFamily, replay } from './supervisor.ts';

const FOLDER = path.join(import.meta.dirname, '../../.guestkit/fuzz');

const { values } = parseArgs({
  options: {
    minutes: { type: 'string' },
    cases: { type: 'string' },
    family: { type: 'string', multiple: true },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    workers: { type: 'string', default: '2' },
    replay: { type: 'string' },
  },
});

process.exitCode = (values.replay === undefined ? await fuzz() : runAgain(values.replay)) ? 0 : 1;

function runAgain(file: string): boolean {
  const { isBad, text } = replay(file, FOLDER);
  process.stdout.write(isBad ? text : 'it ends well now\n');
  return !isBad;
}

async function fuzz(): Promise<boolean> {
  const waiting = values.family?.map(familyNamed) ?? [...FAMILIES];
  const all: Figures[] = [];
  const work = async () => {
    for (let family = waiting.shift(); family !== undefined; family = waiting.shift()) {
      const figures = await fuzzFamily({
        family,
        seedNumber: Number(values.seed),
        folder: FOLDER,
        minutes: Number(values.minutes ?? (values.cases === undefined ? 1 : Number.POSITIVE_INFINITY)),
        cases: Number(values.cases ?? Number.POSITIVE_INFINITY),
        say: (text) => process.stdout.write(`fuzz: ${text}\n`),
      });
      process.stdout.write(renderFigures([figures]));
      all.push(figures);
    }
  };
  await Promise.all(Array.from({ length: Number(values.workers) }, work));
  process.stdout.write(`\n${renderFigures(all)}seed ${values.seed}; what was found is in ${FOLDER}\n`);
  return all.every(({ findings }) => findings.length === 0);
}
