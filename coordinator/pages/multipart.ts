import { requestInvalid } from '../server/problem.ts';
import { FORM_FIELDS_MAX_BYTES, FORM_PART_HEAD_MAX_BYTES } from './limits.ts';

/** A file of a form. */
export interface FormFile {
  /** Of the field. */
  field: string;
  /** What the sender calls it; empty: none was chosen. */
  filename: string;
  /** To be read once, before the next file. */
  bytes: AsyncIterable<Uint8Array>;
}

interface Multipart {
  values: URLSearchParams;
  files: AsyncIterable<FormFile>;
  drain(): Promise<void>;
}

const LINE = Buffer.from('\r\n');
const HEAD_END = Buffer.from('\r\n\r\n');

/** Null: it is no `multipart/form-data`. */
export function boundaryOf(type: string | null): string | null {
  const [, quoted, plain] =
    /^multipart\/form-data;.*\bboundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type ?? '') ?? [];
  return quoted ?? plain ?? null;
}

/**
 * Reads a form as it comes in (RFC 7578): the fields up to the first file now, files piece by piece when they are asked for. Never holds
 * more than what has arrived of one piece.
 *
 * @throws BulkheadError REQUEST_INVALID, also while files are read
 */
export async function readMultipart(body: ReadableStream<Uint8Array>, boundary: string): Promise<Multipart> {
  const input = new Input(body, boundary);
  const values = new URLSearchParams();
  await input.skipPart();
  let part = await input.nextPart();
  for (let size_bytes = 0; part !== null && part.filename === null; part = await input.nextPart()) {
    const pieces: Uint8Array[] = [];
    for await (const piece of input.partBytes()) {
      size_bytes += piece.length;
      if (size_bytes > FORM_FIELDS_MAX_BYTES) throw requestInvalid('the fields of the form are too long');
      pieces.push(piece);
    }
    values.append(part.field, Buffer.concat(pieces).toString('utf8'));
  }
  async function* files(): AsyncGenerator<FormFile> {
    for (; part !== null; part = await input.nextPart()) {
      const { field, filename } = part;
      if (filename === null) throw requestInvalid('a field of the form stands behind a file');
      yield { field, filename, bytes: input.partBytes() };
      await input.skipPart();
    }
  }
  return { values, files: files(), drain: () => input.drain() };
}

interface PartHead {
  field: string;
  /** Null: it is a field, no file. */
  filename: string | null;
}

/** What has arrived and was not given on yet. */
class Input {
  readonly #reader: { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
  readonly #delimiter: Buffer;
  // The first delimiter has no line before it.
  #held: Buffer = LINE;
  #inPart = true;

  constructor(body: ReadableStream<Uint8Array>, boundary: string) {
    this.#reader = body.getReader();
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** Null: that was the last one. */
  async nextPart(): Promise<PartHead | null> {
    while (this.#held.length < LINE.length) await this.#more();
    if (this.#held.subarray(0, 2).toString() === '--') return null;
    let end = this.#held.indexOf(HEAD_END);
    while (end < 0) {
      if (this.#held.length > FORM_PART_HEAD_MAX_BYTES) throw broken();
      await this.#more();
      end = this.#held.indexOf(HEAD_END);
    }
    const head = this.#held.subarray(0, end).toString('utf8');
    this.#held = this.#held.subarray(end + HEAD_END.length);
    this.#inPart = true;
    const [, disposition] = /^content-disposition:\s*form-data;(.*)$/im.exec(head) ?? [];
    const field = parameterOf(disposition, 'name');
    if (field === null) throw broken();
    return { field, filename: parameterOf(disposition, 'filename') };
  }

  /** The bytes up to the next delimiter, which is taken away. */
  async *partBytes(): AsyncGenerator<Uint8Array> {
    while (this.#inPart) {
      const at = this.#held.indexOf(this.#delimiter);
      const sure_bytes = at < 0 ? Math.max(0, this.#held.length - this.#delimiter.length + 1) : at;
      const piece = this.#held.subarray(0, sure_bytes);
      this.#held = this.#held.subarray(at < 0 ? sure_bytes : at + this.#delimiter.length);
      if (at >= 0) this.#inPart = false;
      if (piece.length > 0) yield piece;
      if (this.#inPart) await this.#more();
    }
  }

  async skipPart(): Promise<void> {
    const rest = this.partBytes();
    while (!(await rest.next()).done);
  }

  async drain(): Promise<void> {
    while (!(await this.#reader.read()).done);
  }

  async #more(): Promise<void> {
    const { value } = await this.#reader.read();
    if (value === undefined) throw broken();
    this.#held = this.#held.length === 0 ? Buffer.from(value) : Buffer.concat([this.#held, value]);
  }
}

/** As browsers write it: quotes and line breaks in a name are percent-encoded (WHATWG HTML, section 4.10.21.8). */
function parameterOf(disposition: string | undefined, name: string): string | null {
  const [, value] = new RegExp(`;?\\s*\\b${name}="([^"]*)"`, 'i').exec(disposition ?? '') ?? [];
  return value ?? null;
}

const broken = () => requestInvalid('the form broke off, or is none');
