import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { Service } from '../builds/project-schema.ts';

type Field = (name: string) => string | null;

/**
 * Whether a request is from who knows the secret, over the body as it came.
 *
 * GitHub: `X-Hub-Signature-256: sha256=` and the HMAC-SHA256 in hexadecimal. Gitea (and Forgejo): `X-Gitea-Signature`, the same without the
 * prefix. GitLab: the secret itself in `X-Gitlab-Token`.
 */
export function isGenuine(service: Service, secret: string, field: Field, body: Uint8Array): boolean {
  const mac = () => createHmac('sha256', secret).update(body).digest('hex');
  switch (service) {
    case 'github':
      return same(field('x-hub-signature-256'), `sha256=${mac()}`);
    case 'gitea':
      return same(field('x-gitea-signature'), mac());
    case 'gitlab':
      return same(field('x-gitlab-token'), secret);
  }
}

/** Takes the same time wherever the first difference is, and whatever the length. */
function same(given: string | null, expected: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return given !== null && timingSafeEqual(digest(given), digest(expected));
}
