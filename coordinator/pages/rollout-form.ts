import { BulkheadError } from '../../base/errors.ts';
import { WEEKDAYS } from '../../updater/maintenance-window.ts';
import type { StageSize } from '../rollouts/definition.ts';
import {
  DEFAULT_ERRORS_MAX_PERCENT,
  DEFAULT_ORDER_DEADLINE_MS,
  DEFAULT_PARALLEL_MAX,
  DEFAULT_SOAK_MS,
  DEFAULT_STAGE_DEADLINE_MS,
  DEFAULT_STAGES,
  DEFAULT_SUCCESS_MIN_PERCENT,
} from '../rollouts/limits.ts';
import type { NewRollout } from '../rollouts/run/operate.ts';
import { requestInvalid } from '../server/problem.ts';
import type { Fields } from './fields.ts';
import { FormRefused } from './form-fault.ts';
import type { Look } from './page.ts';

const HOUR_MS = 3_600_000;

/** What stands in the fields before anything was filled in. */
const USUAL: Readonly<Record<string, string>> = {
  name: '',
  cohort: 'all',
  joining: 'frozen',
  stages: DEFAULT_STAGES.map(({ percent }) => `${percent}%`).join(', '),
  soak_h: String(DEFAULT_SOAK_MS / HOUR_MS),
  errors_max_percent: String(DEFAULT_ERRORS_MAX_PERCENT),
  errors_max_count: '',
  success_min_percent: String(DEFAULT_SUCCESS_MIN_PERCENT),
  parallel_max: String(DEFAULT_PARALLEL_MAX),
  window_start: '',
  window_end: '',
  window_zone: 'UTC',
  order_deadline_h: String(DEFAULT_ORDER_DEADLINE_MS / HOUR_MS),
  stage_deadline_h: String(DEFAULT_STAGE_DEADLINE_MS / HOUR_MS),
  floors: '',
};

/** What stands in a field: what was filled in, or came with the address, or is usual. */
export function filledIn({ fields, query }: Look, name: string): string {
  if (fields.text('act') !== undefined) return fields.text(name) ?? '';
  return query.text(name) ?? USUAL[name] ?? '';
}

/**
 * A rollout as somebody filled it in. Whether it makes sense is for the definition to say; here texts become numbers.
 *
 * @throws FormRefused REQUEST_INVALID: every field that is none of what it should be
 */
export function readRolloutForm(fields: Fields): NewRollout {
  const faults = new Map<string, string>();
  const number = (field: string, factor = 1): number | undefined => {
    const text = fields.text(field);
    const value = Number(text);
    if (text !== undefined && Number.isFinite(value)) return value * factor;
    faults.set(field, 'a number is needed');
    return undefined;
  };
  const required = (field: string, words: string): string => {
    const text = fields.text(field);
    if (text === undefined) faults.set(field, words);
    return text ?? '';
  };
  const wanted = {
    version: required('version', 'choose a release'),
    cohort: required('cohort', "say whom; 'all' means everyone"),
    name: fields.text('name'),
    joining: fields.text('joining'),
    stages: readStages(fields.text('stages'), faults),
    soak_ms: number('soak_h', HOUR_MS),
    errors_max_percent: number('errors_max_percent'),
    errors_max_count: fields.text('errors_max_count') === undefined ? null : number('errors_max_count'),
    success_min_percent: number('success_min_percent'),
    parallel_max: number('parallel_max'),
    window: readWindow(fields, faults),
    order_deadline_ms: number('order_deadline_h', HOUR_MS),
    stage_deadline_ms: number('stage_deadline_h', HOUR_MS),
    floors: readFloors(fields.text('floors')),
    allow_downgrade: fields.text('allow_downgrade') !== undefined,
  };
  if (faults.size > 0)
    throw new FormRefused(
      requestInvalid('some of what was filled in does not fit: see beside the fields'),
      faults,
    );
  return wanted;
}

function readStages(text: string | undefined, faults: Map<string, string>): StageSize[] {
  const sizes = (text ?? '').split(/[\s,]+/).filter((size) => size !== '');
  const stages = sizes.map((size) => {
    const [, number, percent] = /^(\d+(?:\.\d+)?)(%?)$/.exec(size) ?? [];
    if (number === undefined) return null;
    return percent === '%' ? { percent: Number(number) } : { count: Number(number) };
  });
  const known = stages.filter((stage) => stage !== null);
  if (known.length === 0 || known.length < stages.length)
    faults.set('stages', 'sizes such as 5%, 25%, 100% or 10, 50 are needed');
  return known;
}

function readWindow(fields: Fields, faults: Map<string, string>): NewRollout['window'] {
  const [start, end] = [fields.text('window_start'), fields.text('window_end')];
  if (start === undefined && end === undefined) return null;
  if (start === undefined || end === undefined)
    faults.set(start === undefined ? 'window_start' : 'window_end', 'a window has a beginning and an end');
  const days = WEEKDAYS.filter((day) => fields.all('window_days').includes(day));
  if (days.length === 0) faults.set('window_days', 'choose at least one day');
  return { start, end, days, zone: fields.text('window_zone') ?? 'UTC' };
}

/** Undefined: those of the release. */
function readFloors(text: string | undefined): string[] | undefined {
  return text?.split(/[\s,]+/).filter((floor) => floor !== '');
}

/** Which field of the form a field of the definition was filled in at. */
const FIELD_OF: Readonly<Record<string, string>> = {
  soak_ms: 'soak_h',
  order_deadline_ms: 'order_deadline_h',
  stage_deadline_ms: 'stage_deadline_h',
  window: 'window_start',
};
const FIELD_OF_CODE: Readonly<Record<string, string>> = {
  COHORT_QUERY_INVALID: 'cohort',
  ROLLOUT_RELEASE: 'version',
};

/** What a definition was refused for, beside the field that it is about. Anything else is left as it is. */
export function besideItsField(error: unknown): unknown {
  if (!(error instanceof BulkheadError) || error instanceof FormRefused) return error;
  const [, path, words] = /: \/(\w+)[^:]*: (.+)$/s.exec(error.message) ?? [];
  const field =
    FIELD_OF_CODE[error.code] ??
    (error.code === 'ROLLOUT_INVALID' && path !== undefined ? (FIELD_OF[path] ?? path) : undefined);
  return field === undefined
    ? error
    : new FormRefused(error, new Map([[field, path === undefined ? error.message : (words ?? '')]]));
}
