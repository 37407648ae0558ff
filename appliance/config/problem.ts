/** Something about a configuration that a person should know. */
export interface ConfigProblem {
  /** error: the layer it stands in is refused as a whole; warning: the layer holds, this part of it does not. */
  severity: 'error' | 'warning';
  /** File or environment variable. */
  source: string;
  /** Line in the file, from 1; null when there is none. */
  line: number | null;
  /** Dotted key; null when the text as a whole is meant. */
  key: string | null;
  message: string;
}

/** `config.yaml:3: coordinator.url: 'http://x' does not start with https://` */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === null ? problem.source : `${problem.source}:${problem.line}`;
  const key = problem.key === null ? '' : `${problem.key}: `;
  return `${place}: ${problem.severity === 'warning' ? 'warning: ' : ''}${key}${problem.message}`;
}
