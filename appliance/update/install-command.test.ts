import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { commitBoot } from '../../partitions/boot-machine-linux.ts';
import { writeBootState } from '../../partitions/boot-state-store.ts';
import { makeCertificate } from '../../test/unit/make-certificate.ts';
import { takeLock } from '../../updater/state/lock.ts';
import { installCommand, requestOf } from './install-command.ts';
import { ApplianceLab } from './lab/appliance-lab.ts';
import { runUpdate } from './run-update.ts';

/** `bulkhead update install` from end to end, from a file into a file. */

let lab: ApplianceLab;
beforeEach(async () => {
  lab = new ApplianceLab();
  await lab.install();
});
afterEach(() => lab.remove());

const install = async (version: string, options: Parameters<typeof installCommand>[3] = {}) =>
  installCommand(lab.tools, lab.io, [await lab.release(version)], options);
const refused = (code: string) => expect.objectContaining({ code });

describe('installing a release', () => {
  test('writes it into the other slot, puts it on trial and says so', async () => {
    await install('1.1.0');
    expect(lab.out).toBe('1.1.0 is in slot B; it is tried on the next boot\n');
    expect(lab.versionOf('B')).toBe('1.1.0');
    expect(lab.state).toMatchObject({ active: 'A', trial: 'B', attempts: 0 });
    expect(lab.tools.pending.read()).toMatchObject({ value: { version: '1.1.0', boot_id: lab.bootId } });
    expect(lab.tools.progress.read()).toMatchObject({ value: { state: 'ready' } });
    expect(lab.rebooted).toBe(false);
  });

  test('with --reboot reboots at once where there is no window', async () => {
    await install('1.1.0', { reboot: true });
    expect(lab.rebooted).toBe(true);
  });

  test('with --reboot waits for the window where there is one', async () => {
    lab.configure("update:\n  window: { start: '02:00', end: '04:00', days: [sun] }\n");
    lab.clockSynchronised();
    await install('1.1.0', { reboot: true });
    expect(lab.rebooted).toBe(false);
    expect(lab.tools.pending.read()).toMatchObject({ value: { reboot: 'window' } });
  });

  test('that cannot be verified changes nothing, and history and progress say why', async () => {
    const path = await lab.release('1.1.0');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0x20, 20, 40));
    const before = lab.state;
    await expect(installCommand(lab.tools, lab.io, [path], {})).rejects.toThrow();
    expect(lab.state).toEqual(before);
    expect(lab.tools.progress.read()).toMatchObject({ value: { state: 'failed' } });
    expect(lab.history).toMatchObject([{ outcome: 'failed', from_version: '1.0.0', slot: 'B' }]);
  });

  test('that runs already is no failure: not on the page, not in the history, not as exit status', async () => {
    await install('1.0.0');
    await install('1.0.0', { json: true });
    const [text, ...events] = lab.out.trimEnd().split('\n');
    expect(text).toBe('release 1.0.0 is what runs from slot A');
    expect(JSON.parse(events.at(-1) ?? '')).toMatchObject({ event: 'already-running' });
    expect(lab.tools.progress.read().condition).toBe('missing');
    expect(lab.history).toEqual([]);
  });

  test('that was stopped is no failure either', async () => {
    const path = await lab.release('1.1.0');
    const running = installCommand(lab.tools, lab.io, [path], {});
    process.emit('SIGTERM');
    await expect(running).rejects.toEqual(refused('UPDATE_STOPPED'));
    expect(lab.history).toEqual([]);
    expect(lab.tools.progress.read()).not.toMatchObject({ value: { state: 'failed' } });
  });

  test('while another change is under way is refused', async () => {
    const release = takeLock(lab.tools.slots.paths.updateLockFile);
    await expect(install('1.1.0')).rejects.toEqual(refused('UPDATE_RUNNING'));
    release();
    await install('1.1.0');
  });

  test('that came before the verdict on this boot goes on when the gate commits it meanwhile', async () => {
    await lab.boot();
    expect(lab.state.attempts).toBe(1);
    const locations = [await lab.release('1.1.0')];
    await runUpdate(
      lab.tools,
      { locations, allowed: {}, reboot: 'no', limits: {}, fetch: {} },
      {
        onProgress: () => undefined,
        onEvent: ({ event }) => {
          if (event === 'opened') writeBootState(lab.machine.espDevice, commitBoot(lab.state, 'A'));
        },
        onWarning: (message) => expect(message).toBe('nothing'),
        signal: new AbortController().signal,
      },
    );
    expect(lab.state.trial).toBe('B');
  });

  test('that fails says why, also where that cannot be written into the history', async () => {
    lab.machine.write('data/update/history.jsonl/in-the-way', '');
    await expect(installCommand(lab.tools, lab.io, [lab.machine.at('none.bundle')], {})).rejects.not.toEqual(
      refused('UPDATE_STATE_UNWRITABLE'),
    );
    expect(lab.err).toContain('UPDATE_STATE_UNWRITABLE');
  });

  test('does not depend on a place for its progress', async () => {
    // What a full /run answers, as far as a test that runs as root can have it.
    lab.machine.write('run/update.json.new/in-the-way', '');
    await install('1.1.0');
    expect(lab.err.match(/warning: .*UPDATE_STATE_UNWRITABLE/g)).toHaveLength(1);
    expect(lab.state.trial).toBe('B');
  });
});

describe('with a mistake in the configuration of the device', () => {
  beforeEach(() => lab.configure('update:\n  data_cap_mib: 1\nssh:\n  authorized_keys: [nonsense]\n'));

  test('nothing is installed by defaults that the operator did not choose', async () => {
    await expect(install('1.1.0')).rejects.toEqual(refused('UPDATE_CONFIG_REFUSED'));
    await expect(install('1.1.0', { detach: true })).rejects.toEqual(refused('UPDATE_CONFIG_REFUSED'));
    expect(existsSync(lab.tools.paths.operatorRequest)).toBe(false);
    expect(lab.state.trial).toBeNull();
  });

  test('limits that were typed count, and a reboot waits until the window is known', async () => {
    await install('1.1.0', { maxFetch: '20M', reboot: true });
    expect(lab.state.trial).toBe('B');
    expect(lab.rebooted).toBe(false);
    expect(lab.tools.pending.read()).toMatchObject({ value: { reboot: 'window' } });
  });

  test('a mistake in the configuration of the image stops no update, which alone can repair it', async () => {
    lab.configure('');
    lab.machine.write('usr/config.yaml', 'nonsense: true\n');
    await install('1.1.0');
    expect(lab.state.trial).toBe('B');
  });
});

test('what lies at the coordinator is fetched by the authority that vouches for it, and nothing else is', async () => {
  const { certificate, key } = await makeCertificate('DNS:localhost');
  const bundle = await lab.release('1.1.0');
  const tls = { cert: certificate, key };
  const serve = () =>
    Bun.serve({
      port: 0,
      tls,
      fetch: ({ url }) =>
        new Response(url.endsWith('/a') ? Bun.file(bundle) : null, {
          status: url.endsWith('/a') ? 200 : 404,
        }),
    });
  const [coordinator, stranger] = [serve(), serve()];
  const pem = certificate.replaceAll('\n', '\n    ');
  lab.configure(
    `coordinator:\n  url: https://localhost:${coordinator.port}\n  ca_certificate: |\n    ${pem}\n`,
  );
  try {
    const request = (port: number | undefined) =>
      requestOf(lab.tools, [`https://localhost:${port}/a`], {}, 1000).fetch.ca_pem?.trim();
    expect(request(stranger.port)).toBeUndefined();
    expect(request(coordinator.port)).toBe(certificate.trim());
    await installCommand(lab.tools, lab.io, [`https://localhost:${coordinator.port}/a`], {});
    expect(lab.versionOf('B')).toBe('1.1.0');
  } finally {
    await coordinator.stop(true);
    await stranger.stop(true);
  }
});
