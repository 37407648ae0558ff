import { cancelJob, readJob, repeatJob } from '../builds/jobs.ts';
import { OPEN_JOB_STATES } from '../builds/machine.ts';
import type { JobRow } from '../database/build-tables.ts';
import { Id } from '../routes/parts.ts';
import { JOB_TONES } from './builds.tsx';
import { fitting } from './fields.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Chip, Fact, Moment } from './parts.tsx';

/** The end of a log is what tells why; the whole is what the command line prints. */
const LOG_SHOWN_MAX = 100_000;

const idOf = ({ params }: Look) => fitting(Id, params['id'], 'the address');

/** One build with its log. */
export const buildPage: Page = {
  path: '/builds/:id',
  section: '/builds',
  scope: 'read',
  async show(look) {
    const { job, log } = await readJob(look.coordinator, idOf(look));
    return {
      title: `Build of ${job.project}`,
      body: (
        <>
          <h1 safe>{`Build of ${job.project}`}</h1>
          <Card id="facts" title="What it is">
            <p>
              <Chip tone={JOB_TONES[job.state]} word={job.state} />{' '}
              <span safe>{[job.code, job.message].filter(Boolean).join(': ')}</span>
            </p>
            <Facts {...job} />
            {look.principal.scopes.has('release') ? <Acts job={job} form_token={look.form_token} /> : ''}
          </Card>
          {log.map(({ attempt, text }) => (
            <Card id={`log-${attempt}`} title={log.length > 1 ? `Log of attempt ${attempt}` : 'Log'}>
              <section class="scroll" tabindex="0" aria-label="Log">
                <pre safe>{text.length > LOG_SHOWN_MAX ? `…\n${text.slice(-LOG_SHOWN_MAX)}` : text}</pre>
              </section>
            </Card>
          ))}
        </>
      ),
    };
  },
  acts: {
    cancel: {
      scope: 'release',
      async run(look) {
        await cancelJob(look.coordinator, look.principal.actor, idOf(look));
        return { to: `/builds/${idOf(look)}`, done: 'build_cancelled' };
      },
    },
    repeat: {
      scope: 'release',
      async run(look) {
        const { id } = await repeatJob(look.coordinator, look.principal.actor, idOf(look));
        return { to: `/builds/${id}`, done: 'build_queued' };
      },
    },
  },
};

function Facts(job: JobRow) {
  return (
    <dl class="facts">
      <Fact name="Repository" value={job.repository} mono />
      <Fact name="Ref" value={job.ref} mono />
      <Fact name="Commit" value={job.commit_sha} mono />
      <Fact name="Channel" value={job.channel} />
      <Fact name="Command" value={job.command} mono />
      <Fact name="Asked for by" value={job.created_by} />
      <Fact name="Worker" value={job.worker} />
      <Fact name="Attempt" value={job.attempt} />
      <Fact name="Release" value={job.release_id} mono />
      <div>
        <dt>Queued</dt>
        <dd>
          <Moment at_ms={job.created_ms} />
        </dd>
      </div>
      <div>
        <dt>Begun</dt>
        <dd>
          <Moment at_ms={job.started_ms} />
        </dd>
      </div>
      <div>
        <dt>Ended</dt>
        <dd>
          <Moment at_ms={job.ended_ms} />
        </dd>
      </div>
    </dl>
  );
}

function Acts({ job, form_token }: { job: JobRow; form_token: string }) {
  const open = OPEN_JOB_STATES.includes(job.state);
  return (
    <ActForm act={open ? 'cancel' : 'repeat'} form_token={form_token}>
      <p>
        {open ? (
          <Button label="Take it back" kind="danger" />
        ) : (
          <Button label="Build it again" kind="quiet" />
        )}
      </p>
    </ActForm>
  );
}
