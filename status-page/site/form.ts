import { BulkheadError } from '../../base/errors.ts';
import { SITE_FORM_MAX_BYTES } from '../limits.ts';
import { formElsewhere, formField, formTooLarge, formType } from '../problem.ts';
import { TIERS, type Tier } from './report.ts';
import type { SiteAdmission } from './source.ts';

/** The one address of the status page that takes something. */
export const ADMIT_PATH = '/site/admit';

/** What was filled in, to be shown again. The code of the console is not in it: it must never be on a page. */
export interface FilledIn {
  fingerprint: string;
  tier: Tier;
}

/**
 * The body of a form that this page itself has shown: a page of somebody else must not be able to send it from the browser of a
 * person who stands at the appliance.
 *
 * @throws BulkheadError STATUS_FORM_ORIGIN, STATUS_FORM_TYPE, STATUS_FORM_SIZE
 */
export async function readForm(request: Request): Promise<string> {
  if (!isFromHere(request)) throw formElsewhere();
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded') throw formType();
  if (Number(request.headers.get('content-length') ?? 0) > SITE_FORM_MAX_BYTES) throw formTooLarge();
  const body = await request.text();
  if (Buffer.byteLength(body) > SITE_FORM_MAX_BYTES) throw formTooLarge();
  return body;
}

/**
 * A browser says where a form comes from by Sec-Fetch-Site (W3C Fetch Metadata) where it trusts the connection, and by Origin
 * (RFC 6454) everywhere. Who says neither is no browser that shows this page.
 */
function isFromHere(request: Request): boolean {
  const site = request.headers.get('sec-fetch-site');
  if (site !== null) return site === 'same-origin';
  const origin = URL.parse(request.headers.get('origin') ?? '');
  const host = request.headers.get('host') ?? URL.parse(request.url)?.host;
  return origin !== null && origin.protocol === 'http:' && origin.host === URL.parse(`http://${host}`)?.host;
}

/** What stands in the form, as far as it can be read; for the page. */
export function filledIn(form: URLSearchParams): FilledIn {
  const fingerprint = (form.get('fingerprint') ?? '').trim().toLowerCase();
  const tier = TIERS.find((name) => name === form.get('tier')) ?? 'monitor_only';
  return { fingerprint: fingerprint.slice(0, 64), tier };
}

/** @throws BulkheadError STATUS_FORM_FIELD */
export function readAdmission(form: URLSearchParams): SiteAdmission {
  const { fingerprint, tier } = filledIn(form);
  if (!/^[0-9a-f]{8,64}$/.test(fingerprint))
    throw formField(
      'The fingerprint is not one.',
      'it is eight digits from 0 to 9 and a to f, as the sensor shows them',
    );
  if (tier !== form.get('tier'))
    throw formField('It is not chosen what the sensor may be told to do.', `one of ${TIERS.join(', ')}`);
  const console_code = (form.get('console_code') ?? '').replace(/\s/g, '');
  if (!/^\d{6}$/.test(console_code))
    throw formField('The console code has six digits.', 'they are on the screen of the appliance');
  return { fingerprint, tier, console_code };
}

export function isFormProblem(error: unknown): error is BulkheadError {
  return (
    error instanceof BulkheadError && (error.code === 'STATUS_FORM_FIELD' || error.code.startsWith('SENSOR_'))
  );
}
