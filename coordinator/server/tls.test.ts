import { expect, test } from 'vitest';
import { startLab } from '../../test/coordinator/coordinator-lab.ts';
import { makeCertificate } from '../../test/unit/make-certificate.ts';

test('with a certificate of its own it speaks TLS, and nothing else on that port', async () => {
  const { certificate, key } = await makeCertificate('DNS:localhost,IP:127.0.0.1');
  const lab = await startLab({ tls: { certificate, key } });
  expect(lab.url).toMatch(/^https:/);
  const answer = await fetch(`${lab.url}/health`, { tls: { ca: certificate } });
  expect(await answer.json()).toMatchObject({ status: 'ok' });
  await expect(fetch(`${lab.url}/health`)).rejects.toThrow(/certificate/i);
  await expect(fetch(`http://localhost:${lab.port}/health`)).rejects.toThrow();
});

test.each([
  ['a certificate that is none', async () => ({ certificate: 'none', key: 'none' })],
  [
    'the key of another certificate',
    async () => {
      const { certificate } = await makeCertificate('DNS:localhost');
      return { certificate, key: (await makeCertificate('DNS:localhost')).key };
    },
  ],
])('%s keeps it from starting, with what is needed', async (_, tls) => {
  await expect(startLab({ tls: await tls() })).rejects.toMatchObject({
    code: 'TLS_UNUSABLE',
    hint: expect.stringContaining('PEM'),
  });
});
