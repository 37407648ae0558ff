import type { Children } from '@kitajs/html';
import type { BulkheadError } from '../../base/errors.ts';
import type { Coordinator } from '../context.ts';
import type { Concern } from '../live/pulse.ts';
import type { Principal } from '../people/authorise.ts';
import type { Scope } from '../people/scopes.ts';
import type { Fields } from './fields.ts';
import type { FormFile } from './multipart.ts';
import type { DONE } from './words.ts';

/** Who looks at what. */
export interface Look {
  coordinator: Coordinator;
  principal: Principal;
  /** For every form, see people/form-token.ts. */
  form_token: string;
  /** Parts of the address. */
  params: Readonly<Record<string, string>>;
  query: Fields;
  /** What was filled in and refused, to be filled in again; empty otherwise. */
  fields: Fields;
  /** Why what was filled in was refused; null: it was not. */
  problem: BulkheadError | null;
  /** What was sent along, one file after the other; none where the page takes none. */
  files: AsyncIterable<FormFile>;
}

export interface View {
  title: string;
  body: Children;
}

/** Something that is shown once, right after it was made. */
export interface Secret {
  what: string;
  value: string;
  /** What to do with it. */
  note: string;
}

/** Where to go on, saying what was done; or what to show once; or the page again with what was filled in, as nothing was to be done yet. */
export type Outcome = { to: string; done: keyof typeof DONE } | { secret: Secret } | { again: true };

export interface Act {
  scope: Scope | ((fields: Fields) => Scope);
  /** @throws BulkheadError: shown on the page */
  run(look: Look): Promise<Outcome>;
}

/**
 * One page: what it shows, and what can be done on it. An act is a form that is posted to the page's own address with its name in
 * `act`; when it is refused, the page is shown again with the reason and what was filled in.
 */
export interface Page {
  /** Elysia's way to write a route. */
  path: string;
  /** Entry of the navigation that it belongs to. */
  section: string;
  /** What it takes to look at it. */
  scope: Scope;
  show(look: Look): Promise<View>;
  acts?: Readonly<Record<string, Act>>;
  /** What changes what it shows; none: it stands still. */
  live?: readonly Concern[];
  /** Its forms may send files along. */
  takesFiles?: true;
}

/** What stands above the content of a page. */
export interface Messages {
  problem: BulkheadError | null;
  done: string | null;
  secret: Secret | null;
}

export const NO_MESSAGES: Messages = { problem: null, done: null, secret: null };
