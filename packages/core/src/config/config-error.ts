/** All that is wrong with a configuration; each problem names the key and the place it was set in. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(['Cannot read the configuration:', ...problems].join('\n  '));
    this.problems = problems;
  }
}
