import { Type as t } from '@sinclair/typebox';
import { Elysia } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { OneOf } from '../../base/schema.ts';
import type { Coordinator } from '../context.ts';
import { PASSWORD_MAX, PASSWORD_MIN } from '../limits.ts';
import { authorise, sessionCookie } from '../people/authorise.ts';
import { ROLES, Scope } from '../people/scopes.ts';
import { type Session, setPassword, signIn, signOut } from '../people/sign-in.ts';
import { createToken, listTokens, revokeToken } from '../people/tokens.ts';
import { addUser, changeUser, listUsers } from '../people/users.ts';
import { type AddressOf, answers, Id, PersonName as Name, Nullable, TimeMs } from './parts.ts';

const Password = t.String({ minLength: PASSWORD_MIN, maxLength: PASSWORD_MAX });
const Role = OneOf(ROLES);
const strict = { additionalProperties: false };

const SignedIn = t.Object({ token: t.String(), name: t.String(), role: Role, expires_ms: TimeMs });
const Me = t.Object({ name: t.String(), role: Role, scopes: t.Array(Scope) });
const TokenFields = {
  ...{ id: Id, name: t.String(), scopes: t.Array(Scope), created_ms: TimeMs },
  ...{ expires_ms: Nullable(TimeMs), revoked_ms: Nullable(TimeMs) },
};
const UserFields = {
  id: Id,
  name: t.String(),
  role: Role,
  created_ms: TimeMs,
  disabled_ms: Nullable(TimeMs),
};

/** Signing in and out, tokens, and who may do what. */
export function peopleRoutes(coordinator: Coordinator, addressOf: AddressOf) {
  const detail = (summary: string) => ({ tags: ['people'], summary });
  return new Elysia({ name: 'people', prefix: '/api/v1' })
    .post(
      '/session',
      async ({ body, request }) => {
        const credentials =
          body.code === undefined
            ? { name: body.name ?? '', password: body.password ?? '' }
            : { code: body.code };
        const session = await signIn(coordinator, credentials, addressOf(request));
        if (body.new_password !== undefined)
          await setPassword(coordinator, { id: session.user_id, name: session.name }, body.new_password);
        return withCookie(session, request);
      },
      {
        body: t.Object(
          {
            name: t.Optional(Name),
            password: t.Optional(t.String({ maxLength: PASSWORD_MAX })),
            code: t.Optional(
              t.String({ maxLength: 40, description: 'signs in once, instead of name and password' }),
            ),
            new_password: t.Optional(Password),
          },
          strict,
        ),
        response: answers({ 200: SignedIn }, 400, 401, 429),
        detail: { ...detail('Sign in: with name and password, or once with a code'), security: [] },
      },
    )
    .delete(
      '/session',
      async ({ request }) => {
        const { session } = await authorise(coordinator, request, 'read');
        if (session !== null) await signOut(coordinator, session);
        return new Response(null, {
          status: 204,
          headers: { 'set-cookie': sessionCookie(request, null) },
        });
      },
      { response: answers({ 204: t.Void() }, 401), detail: detail('Sign out') },
    )
    .get(
      '/me',
      async ({ request }) => {
        const { name, role, scopes } = await authorise(coordinator, request, 'read');
        return { name, role, scopes: [...scopes] };
      },
      { response: answers({ 200: Me }, 401), detail: detail('Who is signed in, and what that may do') },
    )
    .put(
      '/me/password',
      async ({ body, request }) => {
        const principal = await authorise(coordinator, request, 'read');
        if (principal.session === null)
          throw new BulkheadError('FORBIDDEN', 'a token cannot change a password');
        await setPassword(coordinator, { id: principal.user_id, name: principal.name }, body.password);
        return new Response(null, { status: 204 });
      },
      {
        body: t.Object({ password: Password }, strict),
        response: answers({ 204: t.Void() }, 400, 401, 403),
        detail: detail('Choose a password'),
      },
    )
    .get(
      '/tokens',
      async ({ request }) => {
        const { user_id } = await authorise(coordinator, request, 'read');
        return { tokens: await listTokens(coordinator, user_id) };
      },
      {
        response: answers({ 200: t.Object({ tokens: t.Array(t.Object(TokenFields)) }) }, 401),
        detail: detail('Your tokens'),
      },
    )
    .post(
      '/tokens',
      async ({ body, request }) => {
        const principal = await authorise(coordinator, request, 'read');
        return await createToken(coordinator, principal, { ...body, expires_ms: body.expires_ms ?? null });
      },
      {
        body: t.Object(
          { name: Name, scopes: t.Array(Scope, { minItems: 1 }), expires_ms: t.Optional(Nullable(TimeMs)) },
          strict,
        ),
        response: answers({ 200: t.Object({ ...TokenFields, token: t.String() }) }, 400, 401, 403),
        detail: detail('Make a token for a program; it is shown this once'),
      },
    )
    .delete(
      '/tokens/:id',
      async ({ params, request }) => {
        await revokeToken(coordinator, await authorise(coordinator, request, 'read'), params.id);
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id }),
        response: answers({ 204: t.Void() }, 401, 404),
        detail: detail('Revoke one of your tokens'),
      },
    )
    .get(
      '/users',
      async ({ request }) => {
        await authorise(coordinator, request, 'admin');
        return { users: await listUsers(coordinator) };
      },
      {
        response: answers({ 200: t.Object({ users: t.Array(t.Object(UserFields)) }) }, 401, 403),
        detail: detail('Everybody who may sign in'),
      },
    )
    .post(
      '/users',
      async ({ body, request }) =>
        await addUser(coordinator, await authorise(coordinator, request, 'admin'), body),
      {
        body: t.Object({ name: Name, role: Role }, strict),
        response: answers(
          { 200: t.Object({ ...UserFields, code: t.String(), expires_ms: TimeMs }) },
          ...([400, 401, 403, 409] as const),
        ),
        detail: detail('Add somebody; the code signs in once'),
      },
    )
    .patch(
      '/users/:id',
      async ({ params, body, request }) => {
        await changeUser(coordinator, await authorise(coordinator, request, 'admin'), params.id, body);
        return new Response(null, { status: 204 });
      },
      {
        params: t.Object({ id: Id }),
        body: t.Object({ role: t.Optional(Role), disabled: t.Optional(t.Boolean()) }, strict),
        response: answers({ 204: t.Void() }, 400, 401, 403, 404, 409),
        detail: detail("Change somebody's role, or let them in no more"),
      },
    );
}

function withCookie({ user_id: _, ...session }: Session, request: Request): Response {
  return Response.json(session, { headers: { 'set-cookie': sessionCookie(request, session.token) } });
}
