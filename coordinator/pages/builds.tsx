import { OneOf } from '../../base/schema.ts';
import { countJobs, listJobs } from '../builds/jobs.ts';
import { JOB_STATES } from '../builds/machine.ts';
import type { JobRow, JobState } from '../database/build-tables.ts';
import { BOARD_PAGE } from '../limits.ts';
import { Id } from '../routes/parts.ts';
import { fitting } from './fields.ts';
import type { Page } from './page.ts';
import { Ago, Card, Chip, Pages, Table, Tabs } from './parts.tsx';
import { linkTo, type Tone } from './words.ts';

const BOARDS = ['all', ...JOB_STATES] as const;

export const JOB_TONES: Readonly<Record<JobState, Tone>> = {
  ...{ queued: 'wait', running: 'wait', succeeded: 'good', failed: 'bad', cancelled: 'plain' },
};

/** Every build by what became of it. */
export const buildsPage: Page = {
  path: '/builds',
  section: '/builds',
  scope: 'read',
  async show({ coordinator, query }) {
    const id = (text: string | undefined) =>
      text === undefined ? undefined : fitting(Id, text, 'the address');
    const [before, project_id] = [id(query.text('before')), id(query.text('project_id'))];
    const board = fitting(OneOf(BOARDS), query.text('board') ?? 'all', 'the board');
    const state = board === 'all' ? undefined : board;
    const jobs = await listJobs(coordinator, { state, project_id, before, limit: BOARD_PAGE + 1 });
    const shown = jobs.slice(0, BOARD_PAGE);
    const counts = await countJobs(coordinator);
    const here = (more: Record<string, string | undefined>) =>
      linkTo('/builds', { board, project_id, ...more });
    const countOf = (name: (typeof BOARDS)[number]) =>
      name === 'all' ? [...counts.values()].reduce((sum, one) => sum + one, 0) : (counts.get(name) ?? 0);
    return {
      title: 'Builds',
      body: (
        <>
          <h1>Builds</h1>
          <p>
            <a href="/projects">What is built</a>
          </p>
          <Card id="builds" title={board === 'all' ? 'All' : board}>
            <div class="stack">
              <Tabs
                label="Boards"
                tabs={BOARDS.map((name) => ({
                  href: here({ board: name }),
                  title: project_id === undefined ? `${name} (${countOf(name).toLocaleString('en')})` : name,
                  current: name === board,
                }))}
              />
              <Table
                label="Builds"
                heads={['Build', 'State', 'Queued', 'Worker', 'Result']}
                empty="There is none."
                rows={shown.map((job) => jobRow(job, coordinator.now_ms()))}
              />
            </div>
            <Pages
              what="Pages of builds"
              first={before === undefined ? null : here({})}
              next={jobs.length > BOARD_PAGE ? here({ before: shown.at(-1)?.id }) : null}
            />
          </Card>
        </>
      ),
    };
  },
};

function jobRow(job: JobRow, now_ms: number): JSX.Element {
  return (
    <tr>
      <td>
        <a href={`/builds/${job.id}`} safe>
          {job.project}
        </a>{' '}
        <small class="faint" safe>
          {`${job.ref} ${job.commit_sha.slice(0, 10)} for ${job.channel}`}
        </small>
      </td>
      <td>
        <Chip tone={JOB_TONES[job.state]} word={job.state} />
      </td>
      <td>
        <Ago at_ms={job.created_ms} now_ms={now_ms} />{' '}
        <small class="faint" safe>
          {job.created_by}
        </small>
      </td>
      <td safe>{job.worker ?? ''}</td>
      <td safe>{[job.code, job.message].filter(Boolean).join(': ')}</td>
    </tr>
  );
}
