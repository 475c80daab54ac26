import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { watchEventLoopLag } from './event-loop-lag.ts';

// 5 ms to 1 h: from an echo to the conversion of a large disk
const SECONDS_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1200, 1800, 3600,
];

/** Makes the metrics of one process, all in one registry of its own. */
export interface MetricMaker {
  readonly registry: Registry;
  counter<const Label extends string = never>(name: string, help: string, labels?: readonly Label[]): Counter<Label>;
  gauge<const Label extends string = never>(name: string, help: string, labels?: readonly Label[]): Gauge<Label>;
  /** A gauge that is asked for its value at every scrape. */
  reading(name: string, help: string, read: () => number): Gauge;
  seconds<const Label extends string = never>(name: string, help: string, labels?: readonly Label[]): Histogram<Label>;
}

/** Includes the metrics of the process itself. */
export function createMetricMaker(): MetricMaker {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const maker: MetricMaker = {
    registry,
    counter: (name, help, labels = []) => new Counter({ name, help, labelNames: labels, registers }),
    gauge: (name, help, labels = []) => new Gauge({ name, help, labelNames: labels, registers }),
    reading: (name, help, read) =>
      new Gauge({
        name,
        help,
        registers,
        collect() {
          this.set(read());
        },
      }),
    seconds: (name, help, labels = []) =>
      new Histogram({ name, help, labelNames: labels, registers, buckets: SECONDS_BUCKETS }),
  };
  const readLag = watchEventLoopLag();
  maker.reading('guestkit_event_loop_lag_seconds', 'Longest wait of a timer since the last scrape', readLag);
  return maker;
}
