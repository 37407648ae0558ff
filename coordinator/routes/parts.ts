import { type TSchema, Type as t } from '@sinclair/typebox';
import { t as elysia } from 'elysia';
import { PAGE_MAX } from '../limits.ts';
import { Problem } from '../server/problem.ts';

/** Address of whoever made a request. */
export type AddressOf = (request: Request) => string;

export const Id = t.String({ pattern: '^[0-9a-f-]{36}$', description: 'rises with time' });
export const TimeMs = t.Integer({ description: 'milliseconds since 1970, UTC' });
export const DEVICE_STATES = ['approved', 'pending', 'refused', 'revoked', 'replaced'] as const;
/** What an operator calls an appliance. */
export const DeviceName = t.String({ minLength: 1, maxLength: 100, pattern: '^[^\\x00-\\x1f\\x7f]+$' });
export const Tags = t.Record(
  t.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,62}$' }),
  t.String({ maxLength: 200 }),
  {
    maxProperties: 50,
  },
);
export const Reason = t.String({ minLength: 1, maxLength: 500 });
/** What a person or a token is called. */
export const PersonName = t.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9][A-Za-z0-9._@-]*$' });
export const Nullable = <T extends TSchema>(inner: T) => t.Union([inner, t.Null()]);

/** Of a query, where every value comes as a text. */
export const PageSize = elysia.Optional(elysia.Numeric({ minimum: 1, maximum: PAGE_MAX, multipleOf: 1 }));

type Refusal = 400 | 401 | 403 | 404 | 409 | 413 | 429;
const REFUSALS: Readonly<Record<Refusal, string>> = {
  400: 'the request does not fit its schema',
  401: 'nobody is signed in',
  403: 'the scope is missing',
  404: 'there is no such thing',
  409: 'it does not fit what is there',
  413: 'the body is too large',
  429: 'too many; Retry-After says when',
};

/** Answers of a route for validation and OpenAPI: what it gives, and a Problem for every way it refuses. */
export function answers<const Given extends Record<number, TSchema>>(
  given: Given,
  ...refusals: readonly Refusal[]
) {
  const refused = Object.fromEntries(
    refusals.map((status) => [status, t.Object(Problem.properties, { description: REFUSALS[status] })]),
  );
  // The handler's own value has to fit what it gives; refusals are thrown.
  return { ...refused, ...given } as unknown as Given;
}
