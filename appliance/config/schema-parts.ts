import { type TSchema, Type as t } from '@sinclair/typebox';
import type { TextFormat } from './checks.ts';

/** What schema.ts is built from: annotated texts, values that may be null, sections. */
interface Annotations {
  description: string;
  expects: string;
  default?: unknown;
  unit?: string;
  secret?: true;
  unquoted?: true;
}

export const text = (format: TextFormat, annotations: Annotations) => t.String({ format, ...annotations });
export const nullable = <T extends TSchema>(inner: T, annotations: Annotations) =>
  t.Union([inner, t.Null()], { ...annotations });
export const nullableText = (format: TextFormat, annotations: Annotations) =>
  nullable(text(format, annotations), annotations);

export const section = <T extends Record<string, TSchema>>(properties: T, description: string) =>
  t.Object(properties, { additionalProperties: false, description });
