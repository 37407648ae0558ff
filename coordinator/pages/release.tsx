import { formatBytes } from '../../base/text.ts';
import { receiveFile } from '../artifacts/receive.ts';
import { addReleaseFile } from '../releases/create.ts';
import { readRelease, withdrawRelease } from '../releases/read.ts';
import type { RolloutView } from '../rollouts/run/look.ts';
import { listRollouts } from '../rollouts/run/look.ts';
import { Id, Reason } from '../routes/parts.ts';
import { requestInvalid } from '../server/problem.ts';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Chip, Fact, Field, FileField, Moment, Table } from './parts.tsx';
import { shareText } from './releases.tsx';
import { PHASE_TONES } from './rollout-words.ts';
import { VulnerabilitiesCard } from './vulnerabilities-card.tsx';
import { countText, linkTo, plain } from './words.ts';

type Release = Awaited<ReturnType<typeof readRelease>>;

/** One release: what was signed, what it weighs, who runs it. */
export const releasePage: Page = {
  path: '/releases/:id',
  section: '/releases',
  scope: 'read',
  takesFiles: true,
  async show(look) {
    const { coordinator, principal } = look;
    const release = await readRelease(coordinator, idOf(look));
    const rollouts = await listRollouts(coordinator, { version: release.version });
    const isThere = release.withdrawn_ms === null;
    const may = (scope: 'release' | 'rollout') => isThere && principal.scopes.has(scope);
    return {
      title: `Release ${release.version}`,
      body: (
        <>
          <div class="title">
            <h1 safe>{`Release ${release.version}`}</h1>
            <Chip tone="plain" word={release.channel} />
            {isThere ? '' : <Chip tone="bad" word="withdrawn" />}
          </div>
          {may('rollout') ? (
            <p>
              <a class="button" href={linkTo('/rollouts/new', { version: release.version })}>
                Draw up a rollout
              </a>
            </p>
          ) : (
            ''
          )}
          <div class="columns">
            <FactsCard release={release} />
            <FieldCard release={release} />
          </div>
          <FilesCard release={release} />
          <VulnerabilitiesCard report={release.vulnerabilities} hasBill={release.sbom_sha256 !== null} />
          <Card id="rollouts" title="Rollouts of it">
            <Table
              label="Rollouts of it"
              heads={['Rollout', 'Phase']}
              empty="There is none."
              rows={rollouts.map(rolloutRow)}
            />
          </Card>
          {may('release') ? (
            <div class="columns">
              <AddCard {...look} />
              <WithdrawCard look={look} release={release} rollouts={rollouts} />
            </div>
          ) : (
            ''
          )}
        </>
      ),
    };
  },
  acts: {
    add: {
      scope: 'release',
      async run(look) {
        const { coordinator, principal, files } = look;
        const id = idOf(look);
        let added = 0;
        for await (const { filename, bytes } of files) {
          if (filename === '') continue;
          const { sha256 } = await receiveFile(coordinator, principal.actor, bytes);
          await addReleaseFile(coordinator, principal.actor, id, sha256);
          added += 1;
        }
        if (added === 0) throw requestInvalid('choose a file first');
        return { to: `/releases/${id}`, done: 'release_file_added' };
      },
    },
    withdraw: {
      scope: 'release',
      async run(look) {
        const id = idOf(look);
        const reason = fitting(Reason, look.fields.required('reason'), 'the reason');
        await withdrawRelease(look.coordinator, look.principal.actor, id, reason);
        return { to: `/releases/${id}`, done: 'release_withdrawn' };
      },
    },
  },
};

const idOf = ({ params }: Look) => fitting(Id, params['id'], 'the address');

function FactsCard({ release }: { release: Release }) {
  return (
    <Card id="release" title="What was signed">
      <dl class="facts">
        <Fact name="Hardware" value={release.compatible.join(', ')} />
        <Fact name="Built" value={release.built_at} />
        <div>
          <dt>Published</dt>
          <dd>
            <Moment at_ms={release.created_ms} /> <span safe>{`by ${release.created_by}`}</span>
          </dd>
        </div>
        <Fact name="Signed by" value={release.signed_by.join(', ')} mono />
        <Fact name="Must not skip" value={release.floors.join(', ') || 'nothing'} />
        <Fact name="Replaces from" value={release.replaces_min ?? 'any version'} />
        <Fact name="Expires" value={release.expires ?? 'never'} />
        <Fact name="Bundle" value={release.bundle_sha256} mono />
        <Fact name="Root hash" value={release.root_hash} mono />
        <Fact name="SBOM" value={release.sbom_sha256 ?? 'none in it'} mono />
        <Fact name="Provenance" value={release.provenance_sha256 ?? 'none in it'} mono />
        {release.withdrawn_ms === null ? (
          ''
        ) : (
          <Fact name="Withdrawn" value={`by ${release.withdrawn_by}: ${release.withdrawn_reason}`} />
        )}
      </dl>
      <h3>What is new</h3>
      <pre tabindex="0" safe>
        {release.notes || 'Nothing was written.'}
      </pre>
    </Card>
  );
}

function FieldCard({ release }: { release: Release }) {
  const whole_bytes = release.files.find(({ suffix }) => suffix === '')?.size_bytes ?? 0;
  const fleet = release.field.reduce((sum, { devices }) => sum + devices, 0);
  return (
    <Card id="field" title="The fleet, and what it costs there">
      <Table
        label="The fleet, and what it costs there"
        heads={['Runs', 'Appliances', 'Has to fetch']}
        empty="Nobody is in yet."
        rows={release.field.map(({ version, devices, delta_bytes }) => (
          <tr>
            <td safe>{version ?? 'not known'}</td>
            <td safe>{shareText(devices, fleet)}</td>
            <td safe>
              {version === release.version
                ? 'nothing: it runs this one'
                : delta_bytes === null
                  ? `${formatBytes(whole_bytes)} at most, there is no delta`
                  : `${formatBytes(delta_bytes)}, by delta`}
            </td>
          </tr>
        ))}
      />
    </Card>
  );
}

function FilesCard({ release }: { release: Release }) {
  return (
    <Card id="files" title="Files">
      <Table
        label="Files"
        heads={['What', 'Size', 'SHA-256']}
        empty="There is none."
        rows={release.files.map(({ suffix, size_bytes, sha256, base_version }) => (
          <tr data-key={suffix}>
            <td>
              {release.withdrawn_ms === null ? (
                <a href={`/artifacts/${release.bundle_sha256}${suffix}`} download="" safe>
                  {fileTitle(suffix, base_version)}
                </a>
              ) : (
                <span safe>{fileTitle(suffix, base_version)}</span>
              )}
            </td>
            <td safe>{formatBytes(size_bytes)}</td>
            <td class="mono" safe>
              {sha256}
            </td>
          </tr>
        ))}
      />
    </Card>
  );
}

function fileTitle(suffix: string, base_version: string | null): string {
  if (suffix === '') return 'All of it';
  return base_version === null ? 'Single blocks' : `Delta from ${base_version}`;
}

function rolloutRow({ id, name, phase }: RolloutView): JSX.Element {
  return (
    <tr data-key={id}>
      <td>
        <a href={`/rollouts/${id}`} safe>
          {name}
        </a>
      </td>
      <td>
        <Chip tone={PHASE_TONES[phase]} word={plain(phase)} />
      </td>
    </tr>
  );
}

function AddCard({ form_token }: Look) {
  return (
    <Card id="add" title="Lay a file beside it">
      <ActForm act="add" form_token={form_token} files>
        <FileField
          label="Files"
          name="files"
          note="a delta to this release (.from-…), or its blocks (.blocks); one of the same kind is replaced"
          required
          multiple
        />
        <p>
          <Button label="Send" />
        </p>
      </ActForm>
    </Card>
  );
}

function WithdrawCard(props: { look: Look; release: Release; rollouts: RolloutView[] }) {
  const { look, release, rollouts } = props;
  const open = rollouts.filter(({ phase }) =>
    ['draft', 'running', 'paused', 'braked'].includes(phase),
  ).length;
  const running = release.field.find(({ version }) => version === release.version)?.devices ?? 0;
  return (
    <Card id="withdraw" title="Withdraw it">
      <ActForm act="withdraw" form_token={look.form_token}>
        <p safe>
          {`Its files are not handed out any more, and ${countText(open, 'rollout')} of it that ${open === 1 ? 'has' : 'have'} not ended will be cancelled; so will others that lead through it. ${countText(running, 'appliance')} that ${running === 1 ? 'runs' : 'run'} it already will keep it. This cannot be taken back.`}
        </p>
        <Field
          label="Reason"
          name="reason"
          value={look.fields.text('reason')}
          note="for the audit log, and for who asks why"
          required
        />
        <p>
          <Button label="Withdraw the release" kind="danger" />
        </p>
      </ActForm>
    </Card>
  );
}
