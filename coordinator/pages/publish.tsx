import type { Static } from '@sinclair/typebox';
import { BulkheadError } from '../../base/errors.ts';
import { receiveFile } from '../artifacts/receive.ts';
import { addReleaseFile, createRelease } from '../releases/create.ts';
import { findKeys } from '../releases/keys.ts';
import { ReleaseFacts } from '../routes/releases.ts';
import { requestInvalid } from '../server/problem.ts';
import { type Fields, fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Field, FileField, Lines } from './parts.tsx';

const USUAL_CHANNEL = 'stable';

/** A bundle becomes a release. */
export const publishPage: Page = {
  path: '/releases/new',
  section: '/releases',
  scope: 'release',
  takesFiles: true,
  async show(look) {
    const keys = await findKeys(look.coordinator.database);
    return {
      title: 'Publish a release',
      body: (
        <>
          <h1>Publish a release</h1>
          {keys === undefined ? (
            <p class="message wait">
              Nobody has said yet whose releases are to be taken: an administrator{' '}
              <a href="/releases/keys">trusts keys</a> first.
            </p>
          ) : (
            <PublishForm {...look} />
          )}
        </>
      ),
    };
  },
  acts: {
    publish: {
      scope: 'release',
      async run({ coordinator, principal, fields, files }) {
        const { actor } = principal;
        const facts = readFacts(fields);
        const beside: string[] = [];
        let bundle_sha256: string | undefined;
        for await (const { field, filename, bytes } of files) {
          if (filename === '') continue;
          const { sha256 } = await receiveFile(coordinator, actor, bytes);
          if (field === 'bundle') bundle_sha256 = sha256;
          else beside.push(sha256);
        }
        if (bundle_sha256 === undefined) throw requestInvalid('choose the file of the bundle');
        const { id, version } = await createRelease(coordinator, actor, { ...facts, bundle_sha256 });
        for (const sha256 of beside)
          try {
            await addReleaseFile(coordinator, actor, id, sha256);
          } catch (error) {
            if (!(error instanceof BulkheadError)) throw error;
            throw new BulkheadError(
              error.code,
              `release ${version} is there, but a file is not beside it: ${error.message}`,
              { hint: 'it can be added on the page of the release', cause: error },
            );
          }
        return { to: `/releases/${id}`, done: 'release_published' };
      },
    },
  },
};

function readFacts(fields: Fields): Omit<Static<typeof ReleaseFacts>, 'notes' | 'floors'> & {
  notes: string;
  floors: string[];
} {
  const facts = fitting(
    ReleaseFacts,
    {
      channel: fields.required('channel'),
      notes: fields.text('notes') ?? '',
      floors: (fields.text('floors') ?? '').split(/[\s,]+/).filter((floor) => floor !== ''),
    },
    'the release',
  );
  return { notes: '', floors: [], ...facts };
}

function PublishForm({ form_token, fields }: Look) {
  return (
    <Card id="publish" title="A bundle, and what it is for">
      <ActForm act="publish" form_token={form_token} files>
        <Field
          label="Channel"
          name="channel"
          value={fields.text('channel') ?? USUAL_CHANNEL}
          note="small letters, digits and dashes: stable, beta"
          required
        />
        <Lines
          label="What is new"
          name="notes"
          value={fields.text('notes') ?? ''}
          note="for who decides about it; may be left out"
        />
        <Lines
          label="Versions that must not be skipped"
          name="floors"
          value={fields.text('floors') ?? ''}
          note="one on a line; an older appliance goes through each of them; usually none"
        />
        <FileField
          label="Bundle"
          name="bundle"
          note="the full bundle, signed by a key that is trusted; version and hardware are read from it"
          required
        />
        <FileField
          label="Deltas and blocks"
          name="beside"
          note="what lies beside the bundle: .from-… and .blocks; may be left out, and added later"
          multiple
        />
        <p>
          <Button label="Publish" />
        </p>
      </ActForm>
    </Card>
  );
}
