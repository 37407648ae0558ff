import { requestInvalid } from '../server/problem.ts';
import { Fields } from './fields.ts';
import { boundaryOf, type FormFile, readMultipart } from './multipart.ts';

/** What a browser sent with a form. */
export interface Form {
  fields: Fields;
  /** One after the other; they stand behind the fields. */
  files: AsyncIterable<FormFile>;
  /** Takes what was not read out of the line. */
  drain(): Promise<void>;
}

export const NO_FILES: AsyncIterable<FormFile> = {
  async *[Symbol.asyncIterator]() {
    // Nothing came.
  },
};

/** @param body as `application/x-www-form-urlencoded` */
export function formOf(body: unknown): Form {
  const fields = new Fields(new URLSearchParams(typeof body === 'string' ? body : ''));
  return { fields, files: NO_FILES, drain: async () => undefined };
}

/**
 * A form that may bring files. Its fields are read, its files when they are asked for.
 *
 * @throws BulkheadError REQUEST_INVALID
 */
export async function readForm(request: Request): Promise<Form> {
  const boundary = boundaryOf(request.headers.get('content-type'));
  if (boundary === null) return formOf(await request.text());
  if (request.body === null) throw requestInvalid('the form is empty');
  const { values, files, drain } = await readMultipart(request.body, boundary);
  return { fields: new Fields(values), files, drain };
}
