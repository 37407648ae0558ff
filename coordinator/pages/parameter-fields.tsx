import type { Static, TSchema } from '@sinclair/typebox';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { requestInvalid } from '../server/problem.ts';
import type { Fields } from './fields.ts';
import { Choice, Field, Lines } from './parts.tsx';
import { plain } from './words.ts';

/** The part of a JSON schema that decides how a parameter is asked for. */
const Asked = t.Object({
  type: t.Optional(t.String()),
  const: t.Optional(t.String()),
  anyOf: t.Optional(t.Array(t.Object({ const: t.String() }))),
  items: t.Optional(t.Object({ type: t.Literal('string') })),
  description: t.Optional(t.String()),
  minimum: t.Optional(t.Number()),
  maximum: t.Optional(t.Number()),
});
type Asked = Static<typeof Asked>;

interface Parameter {
  name: string;
  required: boolean;
  kind: 'text' | 'number' | 'flag' | 'choice' | 'list' | 'json';
  asked: Asked;
}

/** What to ask for an order whose parameters have this schema, in its order. */
function parametersOf(schema: TSchema): Parameter[] {
  const properties: Record<string, unknown> = schema['properties'] ?? {};
  const required: readonly string[] = schema['required'] ?? [];
  return Object.entries(properties).map(([name, property]) => {
    const asked = Value.Check(Asked, property) ? property : {};
    return { name, required: required.includes(name), kind: kindOf(asked), asked };
  });
}

function kindOf({ type, anyOf, items }: Asked): Parameter['kind'] {
  if (anyOf) return 'choice';
  if (type === 'boolean') return 'flag';
  if (type === 'integer') return 'number';
  if (type === 'array' && items) return 'list';
  return type === 'string' ? 'text' : 'json';
}

/** Field of a parameter, apart from the other fields of the form. */
export const parameterField = (name: string) => `parameter_${name}`;

/** One field for each parameter. */
export function ParameterFields(props: { schema: TSchema; fields: Fields }) {
  return <>{parametersOf(props.schema).map((parameter) => askFor(parameter, props.fields))}</>;
}

function askFor({ name, required, kind, asked }: Parameter, fields: Fields): JSX.Element {
  const given = { name: parameterField(name), value: fields.text(parameterField(name)) };
  const label = plain(name);
  switch (kind) {
    case 'choice': {
      const options = (asked.anyOf ?? []).map(({ const: value }) => [value, plain(value)] as const);
      return (
        <Choice label={label} {...given} options={required ? options : [['', 'not given'], ...options]} />
      );
    }
    case 'flag':
      return (
        <Choice
          label={label}
          {...given}
          options={[
            ['', 'not given'],
            ['true', 'yes'],
            ['false', 'no'],
          ]}
        />
      );
    case 'list':
      return <Lines label={label} name={given.name} value={given.value ?? ''} note="one on a line" />;
    case 'json':
      return <Lines label={label} name={given.name} value={given.value ?? ''} note="as JSON" />;
    case 'number':
    case 'text':
      return (
        <Field label={label} {...given} type={kind} required={required} note={noteOf(asked, required)} />
      );
  }
}

function noteOf({ const: only, description, minimum, maximum }: Asked, required: boolean): string {
  const range = minimum !== undefined && maximum !== undefined ? `${minimum} to ${maximum}` : '';
  const parts = [
    only === undefined ? '' : `type: ${only}`,
    description ?? '',
    range,
    required ? '' : 'may be left out',
  ];
  return parts.filter((part) => part !== '').join('; ');
}

/**
 * What was filled in, as parameters; whether they fit is for createOrder to say.
 *
 * @throws BulkheadError REQUEST_INVALID for what is no number or no JSON
 */
export function readParameters(schema: TSchema, fields: Fields): Record<string, unknown> {
  const given = parametersOf(schema).flatMap(({ name, kind }) => {
    const text = fields.text(parameterField(name));
    return text === undefined ? [] : [[name, readValue(kind, text, plain(name))] as const];
  });
  return Object.fromEntries(given);
}

function readValue(kind: Parameter['kind'], text: string, label: string): unknown {
  switch (kind) {
    case 'number':
      if (!/^-?\d+$/.test(text)) throw requestInvalid(`'${label}' is a whole number`);
      return Number(text);
    case 'flag':
      return text === 'true';
    case 'list':
      return text.split(/\s*\n\s*/);
    case 'json':
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw requestInvalid(`'${label}' is no JSON`, cause);
      }
    case 'choice':
    case 'text':
      return text;
  }
}
