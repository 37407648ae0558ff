import { type BulkheadError, describeError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import { authorise, requireSameSite, sessionCookie } from '../people/authorise.ts';
import { isFormToken } from '../people/form-token.ts';
import { signIn, signOut } from '../people/sign-in.ts';
import { asProblem, formStale } from '../server/problem.ts';
import type { Fields } from './fields.ts';
import { renderPage } from './layout.tsx';
import { NO_MESSAGES } from './page.ts';
import { Field } from './parts.tsx';
import { goTo, ownPath, pageResponse } from './respond.ts';
import { doneText, linkTo } from './words.ts';

interface Shown {
  code?: string | undefined;
  name?: string | undefined;
  to?: string | undefined;
  problem?: BulkheadError;
  done?: string | null;
}

/** The code of an address is filled in, never used: what looks at addresses (a mail program, a preview) must not use it up. */
export function showSignIn(query: Fields): Response {
  const [code, to] = [query.text('code'), query.text('to')];
  return renderSignIn({ code, to, done: doneText(query.text('done')) });
}

export async function doSignIn(
  coordinator: Coordinator,
  request: Request,
  fields: Fields,
  address: string,
): Promise<Response> {
  const [code, name, to] = [fields.text('code'), fields.text('name'), fields.text('to')];
  try {
    requireSameSite(request);
    const credentials =
      code === undefined ? { name: name ?? '', password: fields.secret('password') } : { code };
    const { token } = await signIn(coordinator, credentials, address);
    const next = code === undefined ? ownPath(to) : linkTo('/settings', { done: 'signed_in_by_code' });
    return goTo(next, sessionCookie(request, token));
  } catch (error) {
    const problem = asProblem(error);
    if (problem.code === 'COORDINATOR_INTERNAL')
      coordinator.log.error('a sign-in broke', { error: describeError(error) });
    return renderSignIn({ code, name, to, problem });
  }
}

/** @throws BulkheadError UNAUTHENTICATED, CROSS_SITE, FORM_STALE */
export async function doSignOut(
  coordinator: Coordinator,
  request: Request,
  fields: Fields,
): Promise<Response> {
  const { session } = await authorise(coordinator, request, 'read');
  if (session === null || !isFormToken(session, fields.secret('form_token'))) throw formStale();
  await signOut(coordinator, session);
  return goTo(linkTo('/sign-in', { done: 'signed_out' }), sessionCookie(request, null));
}

function renderSignIn({ code, name, to, problem, done }: Shown): Response {
  const html = renderPage({
    ...{ title: 'Sign in', section: '', visitor: null },
    messages: { ...NO_MESSAGES, problem: problem ?? null, done: done ?? null },
    children: (
      <>
        <h1>Sign in</h1>
        <div class="columns">
          <form class="card stack" method="post" action="/sign-in">
            <input type="hidden" name="to" value={to ?? ''} />
            <Field label="Name" name="name" value={name} autocomplete="username" required />
            <Field
              label="Password"
              name="password"
              type="password"
              autocomplete="current-password"
              required
            />
            <p>
              <button type="submit">Sign in</button>
            </p>
          </form>
          <form class="card stack" method="post" action="/sign-in">
            <Field
              label="Code"
              name="code"
              value={code}
              required
              note="Printed by the coordinator when it starts, or given to you by an administrator. It works once."
            />
            <p>
              <button type="submit">Sign in with the code</button>
            </p>
          </form>
        </div>
      </>
    ),
  });
  return pageResponse(html, problem ?? null);
}
