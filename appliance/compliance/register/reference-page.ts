import { CHECK_INTERVAL_S, SAMPLES_KEPT_DAYS } from '../limits.ts';
import { type Control, FAMILIES, type Family, FRAMEWORK_TITLES, FRAMEWORKS, familyOf } from './control.ts';
import { MEASURE_WORDS, type Measure } from './measure.ts';
import { REGISTER } from './register.ts';

/** docs/reference/controls.md, made from the register. */
export const CONTROLS_PAGE = 'docs/reference/controls.md';

const HEAD = `# Controls

What Bulkhead checks, on the appliance and, by what sensors report, on the machines around it; how each is measured, and which section of
which framework it serves. How the results are read is in [compliance](../operate/compliance.md).

The appliance looks every ${CHECK_INTERVAL_S / 60} minutes and when asked. A control *holds*, *fails*, or *does not apply*; where nobody can tell it is *unknown*, which is not
compliant. A failing control with a reason is *justified*: either this page says why it cannot hold, or the configuration does, until a day
that stands there. Rates are kept by the hour for ${SAMPLES_KEPT_DAYS} days.

This page is made from the register by \`npx bun scripts/list-controls.ts --write\`; a test holds the two together.

## Frameworks

${FRAMEWORKS.map((framework) => `- **${framework}**: ${FRAMEWORK_TITLES[framework]}`).join('\n')}

A section that stands beside a control is one that the control serves. It does not say that the section is fulfilled: most of
them ask for policies and people, too, which no appliance can look at.
`;

/** The page for the register as it is now. */
export function renderControlsPage(register: readonly Control[] = REGISTER): string {
  const families = Map.groupBy(register, (control) => familyOf(control.id));
  const sections = (Object.keys(FAMILIES) as Family[]).flatMap((family) => {
    const controls = families.get(family);
    return controls ? [renderFamily(family, controls)] : [];
  });
  return `${HEAD}\n${sections.join('\n')}`;
}

function renderFamily(family: Family, controls: readonly Control[]): string {
  const exceptions = controls.flatMap(({ id, exception }) =>
    exception ? [`- \`${id}\` cannot hold. ${exception.reason} In its place: ${exception.compensates}`] : [],
  );
  return [
    `## ${FAMILIES[family]}`,
    '',
    '| control | check | severity | what it demands | how it is measured | sections |',
    '| --- | --- | --- | --- | --- | --- |',
    ...controls.map(renderRow),
    '',
    ...(exceptions.length > 0 ? [...exceptions, ''] : []),
  ].join('\n');
}

function renderRow({ id, title, check, severity, demand, measure, references }: Control): string {
  const sections = FRAMEWORKS.flatMap((framework) => {
    const named = references[framework];
    return named ? [`${framework}: ${named.join(', ')}`] : [];
  });
  const cells = [
    `\`${id}\` ${title}`,
    `\`${check}\``,
    severity,
    demand,
    `${MEASURE_WORDS[measure.name]}${detailOf(measure)}`,
    sections.join('<br>'),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** What a measure is asked, where the demand does not say it in full. */
function detailOf(measure: Measure): string {
  switch (measure.name) {
    case 'sysctl':
    case 'ssh-setting':
      return `: ${Object.entries(measure.wants)
        .map(([name, values]) => `\`${name}\` ${values.map((value) => `\`${value}\``).join(' or ')}`)
        .join(', ')}`;
    case 'mount':
      return `: \`${measure.path}\` ${measure.options.map((option) => `\`${option}\``).join(', ')}`;
    case 'file':
      return `: \`${measure.path}\`, ${measure.owners.join(' or ')}, at most ${measure.mode_max.toString(8).padStart(4, '0')}`;
    case 'units-running':
      return measure.units === 'critical' ? '' : `: ${units(measure.units)}`;
    case 'units-not-running':
      return `: ${units(measure.units)}`;
    case 'sandbox':
      return `: ${units(Object.keys(measure.units))}`;
    default:
      return '';
  }
}

function units(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}
