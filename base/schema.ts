import { type SchemaOptions, type TSchema, Type as t } from '@sinclair/typebox';

/** A value that may not be known. Absence is `null`, never a made-up default. */
export const Unknowable = <T extends TSchema>(inner: T) =>
  t.Union([inner, t.Null()], { description: 'null: not known' });

export const SlotName = t.Union([t.Literal('A'), t.Literal('B')]);

/** One of these texts. */
export const OneOf = <const T extends string>(values: readonly T[], annotations: SchemaOptions = {}) =>
  t.Unsafe<T>(
    t.Union(
      values.map((value) => t.Literal(value)),
      annotations,
    ),
  );

/** Text of a form. (Of TypeBox's `RegExp` a list of one such text is one too, and a number that prints as one.) */
export const Pattern = (form: RegExp) => t.String({ pattern: form.source });
