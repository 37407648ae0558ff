import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { channelBinding } from './connection.ts';
import { readEnvelope, readFault } from './errors.ts';
import { readHttpResponse } from './http-response.ts';
import { createShell, startCommand } from './messages.ts';
import { descendants, escapeXml, parseXml } from './xml.ts';

const FRAME = { to: 'http://h:5985/wsman', message_id: '0', timeout_s: 5 };

describe('XML from another machine', () => {
  it('is read with its namespaces', () => {
    const root = parseXml('<x:a xmlns:x="u" Code="5"><b>t&lt;<![CDATA[<c>]]></b></x:a>');
    expect(root).toMatchObject({
      name: 'a',
      namespace: 'u',
      attributes: { Code: '5' },
      children: [{ text: 't<<c>' }],
    });
  });

  it.each([
    '',
    'text',
    '<a>',
    '<a></b>',
    '<a/><b/>',
    '<x:a/>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<!DOCTYPE a SYSTEM "http://x"><a/>',
    '<a>&b;</a>',
    `${'<a>'.repeat(40)}${'</a>'.repeat(40)}`,
  ])('is refused when it is %j', (text) => {
    expect(parseXml(text)).toBeUndefined();
    expect(() => readEnvelope('m', text)).toThrow(expect.objectContaining({ code: 'WINRM_PROTOCOL' }));
  });

  it('comes back as it was written, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const plain = text.replace(/[^\P{C}\n\t]/gu, '');
        expect(parseXml(`<a b="${escapeXml(text.replace(/\s/g, ' '))}">${escapeXml(text)}</a>`)?.text).toBe(
          plain,
        );
      }),
    );
  });

  it('has a fault only where a fault belongs', () => {
    const s = 'xmlns:s="http://www.w3.org/2003/05/soap-envelope"';
    const read = (body: string) =>
      readFault(readEnvelope('m', `<s:Envelope ${s}><s:Body>${body}</s:Body></s:Envelope>`));
    expect(read('<Stream>Fault</Stream>')).toBeUndefined();
    expect(read('<s:Fault><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>')).toEqual({
      code: '',
      words: 'no',
    });
  });
});

describe('a message', () => {
  it('is well-formed, with the program and its arguments as they are', () => {
    const args = ['-a', '<&>"\'', 'ä'];
    const root = parseXml(startCommand(FRAME, 'ABCDEF01', 'x.exe', args));
    expect(root && descendants(root, 'Arguments').map(({ text }) => text)).toEqual(args);
    expect(parseXml(createShell(FRAME))).toBeDefined();
  });
});

describe('a response', () => {
  const whole =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\nrest';

  it('is waited for until it is whole, and what comes behind it is kept', () => {
    const bytes = Buffer.from(whole);
    for (let size = 0; size < bytes.length - 4; size += 1)
      expect(readHttpResponse(bytes.subarray(0, size))).toBeUndefined();
    const read = readHttpResponse(bytes);
    expect([read?.response.body.toString(), read?.rest.toString()]).toEqual(['abc0123456789', 'rest']);
    const announced = readHttpResponse(Buffer.from(`HTTP/1.1 100 Continue\r\n\r\n${whole}`));
    expect(announced?.response.status).toBe(200);
  });

  it.each([
    'HTTP/2 200\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab',
    'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n',
    'HTTP/1.1 200 OK\r\nbad header\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n',
  ])('is refused when it is %j', (text) => {
    expect(() => readHttpResponse(Buffer.from(text))).toThrow(
      expect.objectContaining({ code: 'WINRM_HTTP_INVALID' }),
    );
  });
});

describe('the binding to a channel', () => {
  it.each([
    ['sha256WithRSAEncryption', 'sha256'],
    ['ecdsa-with-SHA384', 'sha384'],
    ['sha512WithRSAEncryption', 'sha512'],
    // RFC 5929, 4.1: never the weak ones.
    ['sha1WithRSAEncryption', 'sha256'],
    ['', 'sha256'],
  ])('of a certificate signed by %j is made with %s', (signature_algorithm, name) => {
    const der = Buffer.from('certificate');
    const data = Buffer.concat([Buffer.from('tls-server-end-point:'), createHash(name).update(der).digest()]);
    const size = Buffer.from([data.length, 0, 0, 0]);
    const right = createHash('md5')
      .update(Buffer.concat([Buffer.alloc(16), size, data]))
      .digest();
    expect(channelBinding({ der, signature_algorithm })).toEqual(right);
  });
});
