import { WEEKDAYS } from '../../updater/maintenance-window.ts';
import { listReleases } from '../releases/read.ts';
import { createRollout } from '../rollouts/run/operate.ts';
import { CohortCount } from './cohort-count.tsx';
import { faultOf } from './form-fault.ts';
import type { Look, Page } from './page.ts';
import { ActForm, Button, Card, Choice, Field, Lines } from './parts.tsx';
import { besideItsField, filledIn, readRolloutForm } from './rollout-form.ts';

/** A rollout is drawn up: what, whom, in which steps, and when it stops. */
export const newRolloutPage: Page = {
  path: '/rollouts/new',
  section: '/rollouts',
  scope: 'rollout',
  async show(look) {
    const releases = (await listReleases(look.coordinator, {})).filter(
      ({ withdrawn_ms }) => withdrawn_ms === null,
    );
    return {
      title: 'Draw up a rollout',
      body: (
        <>
          <h1>Draw up a rollout</h1>
          {releases.length === 0 ? (
            <p class="message wait">
              There is no release to roll out: <a href="/releases/new">publish one</a> first.
            </p>
          ) : (
            <ActForm form_token={look.form_token}>
              <WhatCard
                look={look}
                versions={releases.map(({ version, channel }) => [version, `${version} (${channel})`])}
              />
              <Card id="whom" title="Whom">
                <div class="stack" data-preview="whom">
                  <Field
                    label="Cohort"
                    {...of(look, 'cohort')}
                    note={
                      'all · tag.site eq "berlin" · tag.ring in ["canary", "early"] and version lt "1.4.0"'
                    }
                    required
                  />
                  {await CohortCount({ look, version: filledIn(look, 'version') || releases[0]?.version })}
                  <p>
                    <Button label="Count them" kind="quiet" act="count" />
                  </p>
                  <Choice
                    label="Joining"
                    {...of(look, 'joining')}
                    options={[
                      ['frozen', 'frozen: who matches when it starts'],
                      ['open', 'open: who comes to match while it runs joins'],
                    ]}
                  />
                </div>
              </Card>
              <StagesCard {...look} />
              <div class="columns">
                <BrakeCard {...look} />
                <WindowCard {...look} />
              </div>
              <RareCard {...look} />
              <p class="row">
                <Button label="Draw it up" act="create" />
                <span class="faint">Nothing happens before it is approved.</span>
              </p>
            </ActForm>
          )}
        </>
      ),
    };
  },
  acts: {
    count: {
      scope: 'rollout',
      run: async () => ({ again: true }),
    },
    create: {
      scope: 'rollout',
      async run({ coordinator, principal, fields }) {
        const wanted = readRolloutForm(fields);
        try {
          const { id } = await createRollout(coordinator, principal.actor, wanted);
          return { to: `/rollouts/${id}`, done: 'rollout_drawn_up' };
        } catch (error) {
          throw besideItsField(error);
        }
      },
    },
  },
};

const of = (look: Look, name: string) => ({ name, value: filledIn(look, name), fault: faultOf(look, name) });

function WhatCard({ look, versions }: { look: Look; versions: [value: string, label: string][] }) {
  return (
    <Card id="what" title="What">
      <div class="row">
        <Choice label="Release" {...of(look, 'version')} options={versions} />
        <Field
          label="Name"
          {...of(look, 'name')}
          note="for people: spring, branch offices; the version when left out"
        />
      </div>
    </Card>
  );
}

function StagesCard(look: Look) {
  return (
    <Card id="stages" title="In which steps">
      <div class="row">
        <Field
          label="Stages"
          {...of(look, 'stages')}
          note="how much of them has had its turn when each is full: 5%, 25%, 100% or 10, 50, 100%"
          required
        />
        <Field
          label="Watched for (hours)"
          {...of(look, 'soak_h')}
          type="number"
          step="any"
          note="how long a stage is watched after the last of it is done"
          required
        />
        <Field
          label="At one time"
          {...of(look, 'parallel_max')}
          type="number"
          note="appliances that have an order at once"
          required
        />
      </div>
    </Card>
  );
}

function BrakeCard(look: Look) {
  return (
    <Card id="brake" title="When it stops by itself">
      <div class="stack">
        <Field
          label="Failures (per cent)"
          {...of(look, 'errors_max_percent')}
          type="number"
          step="any"
          note="more of a stage than that engage the brake; coming back on the version before is a failure"
          required
        />
        <Field
          label="Failures (number)"
          {...of(look, 'errors_max_count')}
          type="number"
          note="the same as a number, whatever the size of the stage; may be left out"
        />
        <Field
          label="Successes (per cent)"
          {...of(look, 'success_min_percent')}
          type="number"
          step="any"
          note="what a stage needs at the end of its watch"
          required
        />
      </div>
    </Card>
  );
}

function WindowCard(look: Look) {
  const posted = look.fields.text('act') !== undefined;
  const fault = faultOf(look, 'window_days');
  return (
    <Card id="window" title="At which hours">
      <div class="stack">
        <p class="faint">Orders are given, and fetched, only then. Leave both empty for any time.</p>
        <div class="row">
          <Field label="From" {...of(look, 'window_start')} type="time" />
          <Field
            label="To"
            {...of(look, 'window_end')}
            type="time"
            note="before the beginning: the next day"
          />
        </div>
        <fieldset class="row">
          <legend>Days on which it begins</legend>
          {WEEKDAYS.map((day) => (
            <label class="choice">
              <input
                type="checkbox"
                name="window_days"
                value={day}
                checked={!posted || look.fields.all('window_days').includes(day)}
              />
              <span safe>{day}</span>
            </label>
          ))}
          {fault === undefined ? (
            ''
          ) : (
            <small class="fault" safe>
              {fault}
            </small>
          )}
        </fieldset>
        <Field label="Time zone" {...of(look, 'window_zone')} note="Europe/Berlin, UTC" />
      </div>
    </Card>
  );
}

function RareCard(look: Look) {
  const fields = ['order_deadline_h', 'stage_deadline_h', 'floors', 'allow_downgrade'];
  return (
    <details class="card" open={fields.some((field) => faultOf(look, field) !== undefined)}>
      <summary>What is seldom changed</summary>
      <div class="stack">
        <div class="row">
          <Field
            label="From order to outcome (hours)"
            {...of(look, 'order_deadline_h')}
            type="number"
            step="any"
            note="after that silence is a failure"
            required
          />
          <Field
            label="A stage waits (hours)"
            {...of(look, 'stage_deadline_h')}
            type="number"
            step="any"
            note="for appliances that cannot be given an order: silent, busy, window closed"
            required
          />
        </div>
        <Lines
          label="Versions that must not be skipped"
          {...of(look, 'floors')}
          note="one on a line; those of the release when left out"
        />
        <label class="choice">
          <input
            type="checkbox"
            name="allow_downgrade"
            value="yes"
            checked={look.fields.text('allow_downgrade') !== undefined}
          />
          <span>Appliances that run a newer version are brought to this older one, too</span>
        </label>
      </div>
    </details>
  );
}
