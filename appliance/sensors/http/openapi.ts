import { toOpenAPISchema } from '@elysiajs/openapi/openapi';
import type { AnyElysia } from 'elysia';
import { VERSION } from '../../../base/version.ts';

/** The OpenAPI 3.1 document of the API. */
export function describeApi(app: AnyElysia): Record<string, unknown> {
  const { paths, components } = toOpenAPISchema(app, { staticFile: false });
  return {
    openapi: '3.1.1',
    info: {
      title: 'Bulkhead sensors',
      version: VERSION,
      description: 'How sensors on other machines report to this appliance.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'sensor', description: 'for sensors that were let in' },
      { name: 'open', description: 'for everybody' },
    ],
    security: [{ key: [] }, { signature: [] }],
    paths,
    components: {
      ...components,
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'the api_key of the registration' },
        signature: {
          type: 'http',
          scheme: 'Bulkhead-HMAC-SHA256',
          description:
            'key=SENSOR_ID, time=UNIX_SECONDS, nonce=HEX, signature=BASE64: HMAC-SHA256 by the api_key over method, path with query, ' +
            'time, nonce and SHA-256 of the body in hex, with a line feed between them',
        },
      },
    },
  };
}
