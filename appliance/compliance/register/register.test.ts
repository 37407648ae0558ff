import { expect, test } from 'vitest';
import { readText } from '../../../test/repository/tree.ts';
import { CONTROL_ID, FRAMEWORKS, familyOf } from './control.ts';
import { CONTROLS_PAGE, renderControlsPage } from './reference-page.ts';
import { APPLIANCE_CONTROLS, controlOfCheck, findControl, REGISTER } from './register.ts';

/** How the frameworks write their sections. */
const SECTION = {
  HIPAA: /^164\.3(?:08|10|12)\([a-e]\)(?:\(\d\)(?:\([ivx]+\)(?:\([A-D]\))?)?)?$/,
  SRG: /^SRG-OS-000\d{3}-GPOS-00\d{3}$/,
  STIG: /^(?:RHEL-09|UBTU-24)-\d{6}$/,
};

test('every id is well formed and given once', () => {
  for (const { id } of REGISTER) {
    expect(id).toMatch(CONTROL_ID);
    expect(() => familyOf(id)).not.toThrow();
  }
  expect(new Set(REGISTER.map(({ id }) => id)).size).toBe(REGISTER.length);
  expect(() => familyOf('BH-XX-01')).toThrow();
});

test('there are more than thirty controls for the appliance itself', () => {
  expect(APPLIANCE_CONTROLS.length).toBeGreaterThan(30);
});

test('every section is written as its framework writes it, and named once a control', () => {
  for (const { id, references } of REGISTER) {
    expect(Object.keys(references).length, id).toBeGreaterThan(0);
    for (const framework of FRAMEWORKS) {
      const sections = references[framework] ?? [];
      for (const section of sections) expect(section, id).toMatch(SECTION[framework]);
      expect(new Set(sections).size, id).toBe(sections.length);
    }
  }
});

test('every control says in a sentence what it demands', () => {
  for (const { id, demand, title, exception } of REGISTER) {
    expect(demand, id).toMatch(/^[A-Z].*\.$/);
    expect(title, id).toMatch(/^[A-Z].*[^.]$/);
    if (exception) for (const text of Object.values(exception)) expect(text, id).toMatch(/^[A-Z].*\.$/);
  }
});

test('every check of the appliance has a name of its own that a detection can carry', () => {
  const checks = APPLIANCE_CONTROLS.map(({ check }) => check);
  expect(new Set(checks).size).toBe(checks.length);
  for (const check of checks) expect(check).toMatch(/^[a-z0-9_.-]{1,64}$/);
});

test.each([
  ...['bitlocker', 'defender', 'firewall', 'patches', 'screenlock', 'rmm'],
  ...['ssh', 'disk', 'services', 'time', 'users'],
])('what a sensor reports as %s belongs to a control of the machine it stands on', (check_type) => {
  const control = controlOfCheck('s-0123456789abcdef', check_type);
  expect(control?.measure).toEqual({ name: 'sensor', check_type });
  expect(control && familyOf(control.id)).toBe('EP');
});

test('the same word is another control on the appliance', () => {
  expect(controlOfCheck('appliance', 'firewall')?.id).toBe('BH-AC-01');
  expect(controlOfCheck('s-0123456789abcdef', 'firewall')?.id).toBe('BH-EP-03');
  expect(controlOfCheck('appliance', 'bitlocker')).toBeUndefined();
  expect(findControl('BH-AC-01')?.check).toBe('firewall');
});

test('the reference of controls is that of the register', () => {
  expect(readText(CONTROLS_PAGE), 'npx bun scripts/list-controls.ts --write').toBe(renderControlsPage());
});
