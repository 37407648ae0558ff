import { existsSync, readFileSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { installCommand } from './install-command.ts';
import { ApplianceLab } from './lab/appliance-lab.ts';
import { forgetUpdates } from './operate.ts';

let lab: ApplianceLab;
beforeEach(async () => {
  lab = new ApplianceLab();
  await lab.install();
});
afterEach(() => lab.remove());

const install = async (version: string, options: Parameters<typeof installCommand>[3] = {}) =>
  installCommand(lab.tools, lab.io, [await lab.release(version)], options);
const written_ms = () => statSync(lab.machine.at('root-b')).mtimeMs;

describe('installing the release that waits for its reboot', () => {
  test('writes nothing again and leaves it armed', async () => {
    await install('1.1.0');
    const { state } = lab;
    const before_ms = written_ms();
    const record = lab.tools.pending.read();
    lab.now = new Date('2026-11-22T12:00:00Z');
    await install('1.1.0', { json: true });
    expect(written_ms()).toBe(before_ms);
    expect(lab.state).toEqual(state);
    expect(lab.tools.pending.read()).toEqual(record);
    expect(JSON.parse(lab.out.trim().split('\n').at(-1) ?? '')).toMatchObject({
      event: 'result',
      already: true,
    });
    expect(lab.history).toEqual([]);
  });

  test('takes over the wish for a reboot, and does not take it back', async () => {
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    lab.clockSynchronised();
    await install('1.1.0');
    const before_ms = written_ms();
    await install('1.1.0', { reboot: true });
    expect(lab.tools.pending.read()).toMatchObject({ value: { reboot: 'window' } });
    await install('1.1.0');
    expect(lab.tools.pending.read()).toMatchObject({ value: { reboot: 'window' } });
    expect(written_ms()).toBe(before_ms);
  });

  test('writes it anew where the slot is no longer what was armed', async () => {
    await install('1.1.0');
    lab.writeSlot('B', null);
    await install('1.1.0');
    expect(lab.versionOf('B')).toBe('1.1.0');
    expect(lab.state).toMatchObject({ trial: 'B' });
  });

  test('another release takes its place', async () => {
    await install('1.1.0');
    await install('1.2.0');
    expect(lab.versionOf('B')).toBe('1.2.0');
  });
});

describe('key sets of the device that cannot be read', () => {
  test('refuse every release: one that they revoked could be among them', async () => {
    lab.machine.write('data/update/keyset.json', 'torn');
    const { state } = lab;
    await expect(install('1.1.0')).rejects.toMatchObject({ code: 'KEYS_DEVICE_SET_IGNORED' });
    expect(lab.state).toEqual(state);
    expect(lab.versionOf('B')).toBeNull();
    expect(readFileSync(lab.tools.paths.deviceKeyset, 'utf8')).toBe('torn');
    expect(lab.history[0]?.reason).toContain('KEYS_DEVICE_SET_IGNORED');
  });

  test('stand in the way until an operator forgets them', async () => {
    lab.machine.write('data/update/keyset.json', 'torn');
    await forgetUpdates(lab.tools, true);
    expect(existsSync(lab.tools.paths.deviceKeyset)).toBe(false);
    await install('1.1.0');
    expect(lab.versionOf('B')).toBe('1.1.0');
  });
});
