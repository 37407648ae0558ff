import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { boundaryOf, readMultipart } from './multipart.ts';

/** A form as a browser sends it, cut into pieces of a length. */
async function read(form: FormData, piece_bytes: number, cut_bytes = Number.POSITIVE_INFINITY) {
  const request = new Request('http://localhost/', { method: 'POST', body: form });
  const boundary = boundaryOf(request.headers.get('content-type')) ?? expect.fail();
  const all = new Uint8Array(await request.arrayBuffer()).subarray(0, cut_bytes);
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (let at = 0; at < all.length; at += piece_bytes)
        controller.enqueue(all.subarray(at, at + piece_bytes));
      controller.close();
    },
  });
  return await readMultipart(body, boundary);
}

async function bytesOf(bytes: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of bytes) parts.push(part);
  return Buffer.concat(parts);
}

describe('a form that brings files', () => {
  test('comes out as it went in, however the line cuts it, and whatever the bytes are', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constant(Buffer.from('\r\n--\r\n----\r\n------')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ maxLength: 20 }), { maxLength: 3 }),
        fc.array(bytes, { maxLength: 3 }),
        fc.integer({ min: 1, max: 400 }),
        async (texts, files, piece_bytes) => {
          const form = new FormData();
          for (const text of texts) form.append('text', text);
          for (const file of files) form.append('file', new Blob([Buffer.from(file)]), 'a.bin');
          const got = await read(form, piece_bytes);
          // A form has lines that end with CR LF (WHATWG HTML, section 4.10.21.5).
          expect(got.values.getAll('text')).toEqual(texts.map((text) => text.replace(/\r\n?|\n/g, '\r\n')));
          const received: Buffer[] = [];
          for await (const file of got.files) received.push(await bytesOf(file.bytes));
          expect(received).toEqual(files.map((file) => Buffer.from(file)));
        },
      ),
      { numRuns: 200 },
    );
  });

  test('a file that nobody reads is passed over', async () => {
    const form = new FormData();
    form.append('one', new Blob(['first'.repeat(1000)]), '1');
    form.append('two', new Blob(['second']), '2');
    const fields: string[] = [];
    for await (const { field, filename } of (await read(form, 7)).files) fields.push(`${field} ${filename}`);
    expect(fields).toEqual(['one 1', 'two 2']);
  });

  test('a form that breaks off is refused while it is read, wherever that is', async () => {
    const form = new FormData();
    form.append('text', 'words');
    form.append('file', new Blob(['bytes of a file']), 'a.bin');
    const whole = await new Request('http://localhost/', { method: 'POST', body: form }).arrayBuffer();
    for (let cut_bytes = 0; cut_bytes < whole.byteLength - 8; cut_bytes += 11)
      await expect(
        (async () => {
          for await (const file of (await read(form, 50, cut_bytes)).files) await bytesOf(file.bytes);
        })(),
        `${cut_bytes} bytes`,
      ).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  test('fields that are too long, and one behind a file, are refused', async () => {
    const long = new FormData();
    long.append('notes', 'x'.repeat(70_000));
    await expect(read(long, 4096)).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    const late = new FormData();
    late.append('file', new Blob(['x']), 'a.bin');
    late.append('form_token', 'too late');
    const { files } = await read(late, 4096);
    const all = (async () => {
      for await (const file of files) await bytesOf(file.bytes);
    })();
    await expect(all).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
  });

  test.each([
    ['multipart/form-data; boundary=abc', 'abc'],
    ['multipart/form-data; boundary="a b"', 'a b'],
    ['multipart/form-data', null],
    ['application/x-www-form-urlencoded', null],
    [null, null],
  ])('%s has the boundary %s', (type, boundary) => {
    expect(boundaryOf(type)).toBe(boundary);
  });
});
