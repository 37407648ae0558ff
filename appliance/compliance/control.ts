import { Elysia, t } from 'elysia';
import { BulkheadError } from '../../base/errors.ts';
import { FRAMEWORK_NAMES, filterControls, type RatePoint } from '../../status-page/compliance/report.ts';
import type { Compliance, Run } from './compliance.ts';
import { renderCsv } from './export/csv.ts';
import { type ExportRow, exportRows } from './export/rows.ts';
import { REPORT_DAYS } from './limits.ts';
import { hourOf } from './samples.ts';

const DAY_S = 86_400;

/**
 * Compliance over the control socket, for commands and for the status page:
 *
 * `GET /v1/compliance` the report · `POST /v1/compliance/run` looks now · `GET /v1/compliance/controls/:id`, `/machines/:subject`,
 * `/frameworks/:name` one of them with its results and its history · `GET /v1/compliance/history?scope=&from=&until=&step=` ·
 * `GET /v1/compliance/export.csv`, `/export.pdf`
 */
export function complianceControl(compliance: Compliance, now_ms: () => number) {
  // Loaded when somebody asks for one: the library costs a tenth of the time that the service takes to start.
  const pdf = onceARun(async ({ report, ...run }) => {
    const { renderPdf } = await import('./export/pdf.ts');
    return await renderPdf(report, exportRows({ report, ...run }));
  });
  const csv = onceARun(async (run) => renderCsv(exportRows(run), run.report.generated_at));
  const past = (scope: string): RatePoint[] => {
    const until_s = hourOf(now_ms());
    return compliance.history({ scope, from_s: until_s - REPORT_DAYS * DAY_S, until_s, step: 'day' });
  };
  return new Elysia({ name: 'compliance-control', prefix: '/v1/compliance' })
    .get('/', async () => (await compliance.latest()).report)
    .post('/run', async () => (await compliance.run()).report)
    .get('/controls/:id', async ({ params: { id } }) => {
      const run = await compliance.latest();
      const control = run.report.controls.find((each) => each.id === id);
      if (control === undefined) throw unknownControl(id);
      return { control, results: rowsOf(run, (row) => row.control === id), history: past(`control:${id}`) };
    })
    .get('/machines/:subject', async ({ params: { subject } }) => {
      const run = await compliance.latest();
      const machine = run.report.machines.find((each) => each.subject === subject);
      const results = rowsOf(run, (row) => row.subject === subject);
      if (machine === undefined && results.length === 0) throw unknownMachine(subject);
      const scope = subject === 'appliance' ? subject : `machine:${subject}`;
      return { machine: machine ?? null, results, history: past(scope) };
    })
    .get(
      '/frameworks/:name',
      async ({ params: { name } }) => {
        const { report } = await compliance.latest();
        const framework = report.frameworks.find((each) => each.framework === name) ?? null;
        const controls = filterControls(report.controls, { framework: name, state: null });
        return { framework, controls, history: past(`framework:${name}`) };
      },
      { params: t.Object({ name: t.Union(FRAMEWORK_NAMES.map((name) => t.Literal(name))) }) },
    )
    .get(
      '/history',
      ({ query: { scope, from, until, step } }) => {
        const until_s = until ?? Math.floor(now_ms() / 1000);
        return compliance.history({ scope, from_s: from ?? until_s - REPORT_DAYS * DAY_S, until_s, step });
      },
      {
        query: t.Object({
          scope: t.String({ maxLength: 128, default: 'appliance' }),
          from: t.Optional(t.Numeric({ minimum: 0 })),
          until: t.Optional(t.Numeric({ minimum: 0 })),
          step: t.Union([t.Literal('hour'), t.Literal('day')], { default: 'day' }),
        }),
      },
    )
    .get('/export.csv', async () => file(await csv(await compliance.latest()), 'text/csv; charset=utf-8'))
    .get('/export.pdf', async () => file(await pdf(await compliance.latest()), 'application/pdf'));
}

function rowsOf(run: Run, wanted: (row: ExportRow) => boolean): ExportRow[] {
  return exportRows(run).filter(wanted);
}

function file(content: string | Uint8Array, type: string): Response {
  return new Response(typeof content === 'string' ? content : new Blob([new Uint8Array(content)]), {
    headers: { 'content-type': type },
  });
}

/** Who asks for a file again and again gets the one that was made: everybody in the network may ask. */
function onceARun<T>(make: (run: Run) => Promise<T>): (run: Run) => Promise<T> {
  let made: { run: Run; file: Promise<T> } | null = null;
  return (run) => {
    if (made?.run === run) return made.file;
    const file = make(run);
    made = { run, file };
    // One that failed is tried again by the next who asks.
    file.catch(() => {
      made = null;
    });
    return file;
  };
}

const unknownControl = (id: string) =>
  new BulkheadError('COMPLIANCE_CONTROL_UNKNOWN', `nothing is known of a control ${id}`, {
    hint: "'bulkhead compliance controls' lists them; one of other machines is known once a sensor has reported it",
  });

const unknownMachine = (subject: string) =>
  new BulkheadError('COMPLIANCE_MACHINE_UNKNOWN', `no machine ${subject} has reported anything`, {
    hint: "'bulkhead compliance status' lists the machines",
  });
