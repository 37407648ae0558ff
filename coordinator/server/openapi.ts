import { toOpenAPISchema } from '@elysiajs/openapi/openapi';
import type { AnyElysia } from 'elysia';
import { VERSION } from '../../base/version.ts';

const TAGS = {
  agent: 'what appliances call; every request is signed (RFC 9421, Ed25519)',
  devices: 'appliances and how they get in',
  orders: 'work for appliances',
  releases: 'what there is to roll out, and its files',
  rollouts: 'a release, spread over the fleet in stages',
  alarms: 'what is wrong, and who sees to it',
  evidence: 'what appliances have put on record',
  sites: 'what appliances see of the sites they stand in',
  builds: 'what is built when somebody pushes',
  people: 'who may do what',
  audit: 'who did what',
  system: 'the coordinator itself',
};

/** The OpenAPI 3.1 document of everything the coordinator answers. */
export function describeApi(app: AnyElysia): { openapi: string } & Record<string, unknown> {
  const { paths, components } = toOpenAPISchema(app, { staticFile: false });
  return {
    openapi: '3.1.1',
    info: {
      title: 'Bulkhead coordinator',
      version: VERSION,
      description: 'Enrolment, reports, orders, releases and rollouts of appliances.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      ...components,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'a session or an API token' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'bulkhead_session' },
      },
    },
    security: [{ bearer: [] }, { cookie: [] }],
  };
}

/** A response that is not JSON. */
export function raw(type: string, description: string) {
  return { description, content: { [type]: { schema: { type: 'string' as const } } } };
}
