import { findKeys, setReleaseKeys } from '../releases/keys.ts';
import { requestInvalid } from '../server/problem.ts';
import { KEYSET_FILE_MAX_BYTES } from './limits.ts';
import type { FormFile } from './multipart.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Chip, Fact, FileField, Table } from './parts.tsx';

/** Whose releases are taken. */
export const releaseKeysPage: Page = {
  path: '/releases/keys',
  section: '/releases',
  scope: 'read',
  takesFiles: true,
  async show(look) {
    const trusted = await findKeys(look.coordinator.database);
    const revoked = new Set(trusted?.keyset.revoked.map(({ id }) => id));
    return {
      title: 'Keys of releases',
      body: (
        <>
          <h1>Keys of releases</h1>
          <Card id="keys" title="Keys that are trusted">
            {trusted === undefined ? (
              <p class="faint">Nobody has said yet whose releases are to be taken.</p>
            ) : (
              <div class="stack">
                <dl class="facts">
                  <Fact name="Key set" value={trusted.keyset.version} />
                  <Fact name="Issued" value={trusted.keyset.issued_at} />
                </dl>
                <Table
                  label="Keys that are trusted"
                  heads={['Key', 'What for', 'Ends', '']}
                  empty="There is none."
                  rows={trusted.keyset.keys.map(({ id, roles, not_after }) => (
                    <tr data-key={id}>
                      <td class="mono" safe>
                        {id}
                      </td>
                      <td safe>{roles.join(', ')}</td>
                      <td safe>{not_after ?? 'never'}</td>
                      <td>{revoked.has(id) ? <Chip tone="bad" word="revoked" /> : ''}</td>
                    </tr>
                  ))}
                />
              </div>
            )}
          </Card>
          {look.principal.scopes.has('admin') ? <SetCard look={look} first={trusted === undefined} /> : ''}
        </>
      ),
    };
  },
  acts: {
    set: {
      scope: 'admin',
      async run({ coordinator, principal, files }) {
        const file = await firstFile(files);
        await setReleaseKeys(coordinator, principal.actor, file);
        return { to: '/releases/keys', done: 'keys_set' };
      },
    },
  },
};

function SetCard({ look, first }: { look: Look; first: boolean }) {
  return (
    <Card id="set" title={first ? 'Say whose releases are taken' : 'Take newer key sets'}>
      <ActForm act="set" form_token={look.form_token} files>
        <p>
          {first
            ? 'The first key sets are believed because you say so; later ones have to follow from them.'
            : 'They have to follow from those that are trusted: each is signed by root keys of the one before.'}
        </p>
        <FileField label="File of key sets" name="keys" note="keyset.json, as it is in the image" required />
        <p>
          <Button label="Trust these keys" />
        </p>
      </ActForm>
    </Card>
  );
}

/** @throws BulkheadError REQUEST_INVALID */
async function firstFile(files: AsyncIterable<FormFile>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let size_bytes = 0;
  for await (const { bytes } of files)
    for await (const part of bytes) {
      size_bytes += part.length;
      if (size_bytes > KEYSET_FILE_MAX_BYTES) throw requestInvalid('a file of key sets is not as long');
      parts.push(part);
    }
  if (size_bytes === 0) throw requestInvalid('choose the file of key sets');
  return Buffer.concat(parts);
}
