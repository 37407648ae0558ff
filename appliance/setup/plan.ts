import { dirname, join } from 'node:path';
import type { Config } from '../config/schema.ts';
import type { Owner } from '../identity/owner.ts';
import { siteConfigText } from '../site/site-config.ts';
import { networkFiles } from './networkd.ts';
import type { SetupPaths } from './paths.ts';
import { wifiConfigText } from './wifi.ts';

/** Which part of the set-up an action belongs to; a failure is reported by it. */
export type StepName =
  | 'data'
  | 'schema'
  | 'identity'
  | 'age-key'
  | 'evidence-key'
  | 'machine-id'
  | 'hostname'
  | 'network'
  | 'wifi'
  | 'time'
  | 'ssh'
  | 'site'
  | 'clock'
  | 'facts';

/** One thing to be true afterwards. Carrying an action out twice changes nothing the second time. */
export type Action =
  | { kind: 'folder'; step: StepName; path: string; mode: number; owner: Owner }
  | { kind: 'file'; step: StepName; path: string; mode: number; owner: Owner; content: string; secret?: true }
  /** Mode and owner of a file that others write; nothing when it is missing. */
  | { kind: 'access'; step: StepName; path: string; mode: number; owner: Owner }
  | { kind: 'link'; step: StepName; path: string; target: string }
  | { kind: 'remove'; step: StepName; path: string }
  | { kind: 'remove-folder'; step: StepName; path: string }
  /** A variable of the kernel: written in place when it differs. */
  | { kind: 'kernel'; step: StepName; path: string; content: string };

export interface Owners {
  root: Owner;
  /** The agent's user. */
  msp: Owner;
  /** The user of the site's service. */
  site: Owner;
}

/**
 * The folders of the data partition. None belongs to the agent's user: what root writes (verdicts, update state) must lie where
 * a taken-over agent can read but not plant a symbolic link, and who cannot write cannot fill the partition
 * (docs/decisions/0012-agent-writes-no-data.md).
 */
export function planData(paths: SetupPaths, { root, msp, site }: Owners): Action[] {
  const readable: Owner = { uid: root.uid, gid: msp.gid };
  const folder = (name: string, mode: number, owner: Owner): Action => ({
    kind: 'folder',
    step: 'data',
    path: join(paths.data, name),
    mode,
    owner,
  });
  return [
    folder('identity', 0o750, readable),
    folder('health', 0o750, readable),
    folder('update', 0o750, readable),
    folder('log', 0o750, readable),
    folder('time', 0o755, root),
    folder('evidence', 0o750, { uid: root.uid, gid: site.gid }),
    // The agent's own, made by earlier releases; nothing was kept there.
    { kind: 'remove-folder', step: 'data', path: join(paths.data, 'agent') },
    // It may hold a passphrase: the agent's group reads it, nobody else.
    { kind: 'access', step: 'data', path: paths.deviceConfig, mode: 0o640, owner: readable },
  ];
}

export interface BootPlanInput {
  config: Config;
  /** Resolved: configured or derived. */
  hostname: string;
  paths: SetupPaths;
  owners: Owners;
  /** The configured zone has a file in the image; false falls back to UTC. */
  zoneKnown: boolean;
  /** Files of ours that lie in the network folder from an earlier run. */
  oldNetworkFiles: readonly string[];
}

/** What a boot writes below /run from the configuration (SSH apart, see planSsh): pure, so that `--dry-run` and tests see all of it. */
export function planBoot(input: BootPlanInput): Action[] {
  const { config, hostname, paths, zoneKnown } = input;
  return [
    { kind: 'kernel', step: 'hostname', path: paths.kernelHostname, content: `${hostname}\n` },
    ...planNetwork(input),
    ...planWifi(input),
    {
      kind: 'link',
      step: 'time',
      path: paths.localtime,
      target: join('/usr/share/zoneinfo', zoneKnown ? config.time.zone : 'UTC'),
    },
    ...planTimeServers(input),
    planSite(input),
  ];
}

function planNetwork({ config, paths, owners, oldNetworkFiles }: BootPlanInput): Action[] {
  const wanted = networkFiles(config.network);
  const stale = oldNetworkFiles.filter((name) => !wanted.some((file) => file.name === name));
  return [
    { kind: 'folder', step: 'network', path: paths.networkFolder, mode: 0o755, owner: owners.root },
    ...wanted.map(({ name, content }) =>
      worldReadable('network', join(paths.networkFolder, name), content, owners),
    ),
    ...stale.map(
      (name): Action => ({ kind: 'remove', step: 'network', path: join(paths.networkFolder, name) }),
    ),
  ];
}

/** The profile is written whether or not there is a card; udev starts the unit when a card appears. */
function planWifi({ config, paths, owners }: BootPlanInput): Action[] {
  const path = paths.wifiConfig;
  if (!config.network.wifi) return [{ kind: 'remove', step: 'wifi', path }];
  const content = wifiConfigText(config.network.wifi);
  return [
    { kind: 'folder', step: 'wifi', path: dirname(path), mode: 0o755, owner: owners.root },
    { kind: 'file', step: 'wifi', path, mode: 0o600, owner: owners.root, content, secret: true },
  ];
}

/** The service of the site cannot read the configuration, which holds more than concerns it. */
function planSite({ config, paths, owners }: BootPlanInput): Action {
  const content = siteConfigText(config);
  return {
    kind: 'file',
    step: 'site',
    path: paths.siteConfig,
    mode: 0o400,
    owner: owners.site,
    content,
    secret: true,
  };
}

function planTimeServers({ config, paths, owners }: BootPlanInput): Action[] {
  const path = paths.timesyncConfig;
  if (config.time.servers.length === 0) return [{ kind: 'remove', step: 'time', path }];
  return [
    { kind: 'folder', step: 'time', path: dirname(path), mode: 0o755, owner: owners.root },
    // The empty assignment drops the servers of files before this one (timesyncd.conf(5)).
    worldReadable('time', path, `[Time]\nNTP=\nNTP=${config.time.servers.join(' ')}\n`, owners),
  ];
}

/**
 * The SSH server's unit starts only where this file exists: without keys, or without a host key, there is no SSH.
 *
 * @param hostKeyReady false when there is no whole host key, so that the server is not started only to fail
 */
export function planSsh(
  { config, paths, owners }: Pick<BootPlanInput, 'config' | 'paths' | 'owners'>,
  hostKeyReady: boolean,
): Action[] {
  const path = paths.authorizedKeys;
  if (config.ssh.authorized_keys.length === 0 || !hostKeyReady)
    return [{ kind: 'remove', step: 'ssh', path }];
  const content = `${config.ssh.authorized_keys.map((key) => key.trim()).join('\n')}\n`;
  return [
    { kind: 'folder', step: 'ssh', path: dirname(path), mode: 0o700, owner: owners.root },
    { kind: 'file', step: 'ssh', path, mode: 0o600, owner: owners.root, content },
  ];
}

function worldReadable(step: StepName, path: string, content: string, { root }: Owners): Action {
  return { kind: 'file', step, path, mode: 0o644, owner: root, content };
}

/** What an action does, in one line for people; the text of a secret file is not shown. */
export function describeAction(action: Action): string {
  const mode =
    'mode' in action
      ? ` ${action.mode.toString(8).padStart(4, '0')} ${action.owner.uid}:${action.owner.gid}`
      : '';
  switch (action.kind) {
    case 'link':
      return `link ${action.path} -> ${action.target}`;
    case 'kernel':
      return `set ${action.path} to ${action.content.trim()}`;
    case 'file': {
      const text = action.secret ? '(secret)' : action.content.trimEnd();
      return `file ${action.path}${mode}\n${text.replace(/^/gm, '    ')}`;
    }
    default:
      return `${action.kind} ${action.path}${mode}`;
  }
}
