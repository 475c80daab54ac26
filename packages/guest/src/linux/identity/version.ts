/** A version as far as systems are told apart by it. */
export interface Version {
  /** `major.minor`, the digits as the distribution writes them: `22.04`, `12.5`, `40.0`. */
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

// nine digits: more is no version, and would not be a safe number
const NUMBERS = /(\d{1,9})(?:\.(\d{1,9}))?/;

/** The first number of a text and the one behind its dot; `null` when there is none (rolling releases). */
export function parseVersion(text: string | null | undefined): Version | null {
  const [, major, minor = '0'] = NUMBERS.exec(text ?? '') ?? [];
  return major === undefined ? null : { text: `${major}.${minor}`, major: Number(major), minor: Number(minor) };
}
