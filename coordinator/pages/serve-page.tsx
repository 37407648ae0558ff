import { BulkheadError, describeError } from '../../base/errors.ts';
import { countAlarms } from '../alarms/look.ts';
import type { Coordinator } from '../context.ts';
import { type Principal, requireScope } from '../people/authorise.ts';
import { formToken, isFormToken } from '../people/form-token.ts';
import { asProblem, formStale, requestInvalid } from '../server/problem.ts';
import { Fields } from './fields.ts';
import { type Form, NO_FILES } from './form.ts';
import { renderPage } from './layout.tsx';
import { type Look, type Messages, NO_MESSAGES, type Outcome, type Page } from './page.ts';
import { goTo, pageResponse } from './respond.ts';
import { doneText, linkTo } from './words.ts';

interface Visit {
  coordinator: Coordinator;
  request: Request;
  principal: Principal;
  params: Readonly<Record<string, string>>;
  query: Fields;
}

/**
 * A page, or what comes of an act on it.
 *
 * @param form null: it is only looked at
 * @throws BulkheadError when not even the page can be shown
 */
export async function servePage(page: Page, visit: Visit, form: Form | null): Promise<Response> {
  const { coordinator, principal, params, query } = visit;
  const { session } = principal;
  // Pages are for people; a program has the API.
  if (session === null) throw new BulkheadError('UNAUTHENTICATED', 'sign in first');
  const form_token = formToken(session);
  const { fields, files } = form ?? { fields: new Fields(), files: NO_FILES };
  const look: Look = {
    ...{ coordinator, principal, form_token, params, query, fields, files },
    problem: null,
  };
  const render = async (seen: Look, messages: Messages): Promise<Response> => {
    const { title, body } = await page.show(seen);
    const { unacknowledged: alarms } = await countAlarms(coordinator);
    const visitor = { principal, form_token, alarms };
    return pageResponse(
      renderPage({
        ...{ title, section: page.section, visitor, messages, children: body },
        live: page.live && { concerns: page.live, here: hereOf(visit.request) },
      }),
      messages.problem,
    );
  };
  if (form === null) return await render(look, { ...NO_MESSAGES, done: doneText(query.text('done')) });
  let outcome: Outcome;
  try {
    if (!isFormToken(session, fields.secret('form_token'))) throw formStale();
    outcome = await runAct(page, look);
  } catch (error) {
    const problem = tell(coordinator, error);
    return await render({ ...look, problem }, { ...NO_MESSAGES, problem });
  }
  if ('again' in outcome) return await render(look, NO_MESSAGES);
  if ('to' in outcome) return goTo(linkTo(outcome.to, { done: outcome.done }));
  return await render({ ...look, fields: new Fields() }, { ...NO_MESSAGES, secret: outcome.secret });
}

const hereOf = ({ url }: Request): string => {
  const { pathname, search } = new URL(url);
  return pathname + search;
};

/** @throws BulkheadError REQUEST_INVALID, FORBIDDEN, and what the act itself is refused for */
async function runAct(page: Page, look: Look): Promise<Outcome> {
  const name = look.fields.text('act') ?? '';
  const act = page.acts && Object.hasOwn(page.acts, name) ? page.acts[name] : undefined;
  if (!act) throw requestInvalid('this page does nothing of that name');
  requireScope(look.principal, typeof act.scope === 'function' ? act.scope(look.fields) : act.scope);
  return await act.run(look);
}

/** Instead of a page. Who is not signed in gets there first, and comes back. */
export function refusePage(coordinator: Coordinator, request: Request, error: unknown): Response {
  const problem = tell(coordinator, error);
  if (problem.code === 'UNAUTHENTICATED')
    return goTo(linkTo('/sign-in', { to: request.method === 'GET' ? hereOf(request) : undefined }));
  const children = (
    <>
      <h1>This did not work</h1>
      <p>
        <a href="/">Show the fleet</a>
      </p>
    </>
  );
  const messages = { ...NO_MESSAGES, problem };
  return pageResponse(
    renderPage({ title: 'This did not work', section: '', visitor: null, messages, children }),
    problem,
  );
}

function tell(coordinator: Coordinator, error: unknown): BulkheadError {
  const problem = asProblem(error);
  if (problem.code === 'COORDINATOR_INTERNAL')
    coordinator.log.error('a page failed', { error: describeError(error) });
  return problem;
}
