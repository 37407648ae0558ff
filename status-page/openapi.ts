import { toOpenAPISchema } from '@elysiajs/openapi/openapi';
import type { AnyElysia } from 'elysia';
import { VERSION } from '../base/version.ts';

/**
 * The OpenAPI 3.1 document of an app. Made by the plugin's generator alone: its viewer, which would load scripts
 * from a CDN, is not in the program at all.
 */
export function describeApi(app: AnyElysia): { openapi: string } & Record<string, unknown> {
  const { paths, components } = toOpenAPISchema(app, { staticFile: false });
  return {
    openapi: '3.1.1',
    info: {
      title: 'Bulkhead status',
      version: VERSION,
      description: 'State of this appliance. Read-only, without secrets, open to the local network.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: [
      { name: 'people', description: 'what a browser shows' },
      { name: 'programs', description: 'the same facts for programs' },
    ],
    paths,
    components,
  };
}

/** A response that is not JSON. */
export function raw(type: string, description: string) {
  return { description, content: { [type]: { schema: { type: 'string' as const } } } };
}
