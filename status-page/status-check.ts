import { TypeCompiler } from '@sinclair/typebox/compiler';
import { Value } from '@sinclair/typebox/value';
import { statusInvalid } from './problem.ts';
import { Status } from './status.ts';

const check = TypeCompiler.Compile(Status);

/**
 * The border between the agent and everything people can see: what comes out has exactly the fields of the
 * schema. A field that is not in it is left behind, so that nothing can leak by being put into the object.
 *
 * @throws BulkheadError STATUS_INVALID naming the first field that is wrong (never its value)
 */
export function admitStatus(candidate: unknown): Status {
  const status = Value.Clean(Status, Value.Clone(candidate));
  if (check.Check(status)) return status;
  throw statusInvalid(check.Errors(status).First()?.path || '/');
}
