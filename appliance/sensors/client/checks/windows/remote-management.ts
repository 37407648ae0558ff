import { type Check, type CheckContext, listed, listSetting, type Verdict } from '../check.ts';
import { asList, type PowerShell, parseList, property, quoted } from './powershell.ts';

/** A program for remote management that is on the machine. */
export interface RemoteAgent {
  name: string;
  /** Of its program file; empty where that says none. */
  version: string;
  running: boolean;
  service_name: string;
}

/** Services by which they are known, as their makers name them; a name that ends in `*` is a beginning. */
const KNOWN: readonly (readonly [string, string])[] = [
  ['Action1', 'A1Agent'],
  ['AnyDesk', 'AnyDesk*'],
  ['Atera', 'AteraAgent'],
  ['ConnectWise Automate', 'LTService'],
  ['ConnectWise ScreenConnect', 'ScreenConnect Client*'],
  ['Datto RMM', 'CagService'],
  ['Kaseya VSA', 'Kaseya Agent*'],
  ['MeshCentral', 'Mesh Agent'],
  ['N-able N-central', 'Windows Agent Service'],
  ['N-able N-sight', 'Advanced Monitoring Agent'],
  ['NinjaOne', 'NinjaRMMAgent'],
  ['Splashtop', 'SplashtopRemoteService'],
  ['Syncro', 'Syncro'],
  ['Tactical RMM', 'tacticalrmm'],
  ['TeamViewer', 'TeamViewer'],
];

const SERVICES = asList('Get-CimInstance -ClassName Win32_Service', ['Name', 'State', 'PathName']);

export function remoteManagementCheck(ask: PowerShell): Check {
  return { check_type: 'rmm', look: async (context) => judgeAgents(await findAgents(ask), context) };
}

/** Every known one that is installed, with its version. */
export async function findAgents(ask: PowerShell): Promise<RemoteAgent[]> {
  const found = knownAgents(await ask(SERVICES));
  const agents: RemoteAgent[] = [];
  for (const { program, ...agent } of found) {
    const line = `Get-Item -LiteralPath ${quoted(program)} | ForEach-Object { $_.VersionInfo.ProductVersion }`;
    // A program file that cannot be read keeps nobody from saying that its service is there.
    const version = program === '' ? '' : await ask(line).catch(() => '');
    agents.push({ ...agent, version: version.trim() });
  }
  return agents;
}

/** @param text services as lists: Name, State (Running, Stopped, …), PathName (a command line) */
export function knownAgents(text: string): (Omit<RemoteAgent, 'version'> & { program: string })[] {
  return parseList(text).flatMap((service) => {
    const service_name = property(service, 'Name');
    const name = remoteAgentName(service_name);
    if (name === undefined) return [];
    return [
      {
        ...{ name, service_name, running: service.get('State') === 'Running' },
        program: programOf(service.get('PathName') ?? ''),
      },
    ];
  });
}

/** The program for remote management that a service belongs to; undefined when it is none of those that are known. */
export function remoteAgentName(service_name: string): string | undefined {
  return KNOWN.find(([, pattern]) => matches(service_name, pattern))?.[0];
}

/** What is there has to be allowed where the appliance says what is, and what it asks for has to run. */
export function judgeAgents(
  agents: readonly RemoteAgent[],
  context: Pick<CheckContext, 'settings'>,
): Verdict {
  const allowed = listSetting(context, 'rmm.allowed');
  const required = listSetting(context, 'rmm.required');
  const foreign =
    allowed.length === 0 ? [] : agents.filter(({ name }) => ![...allowed, ...required].includes(name));
  const missing = required.filter((name) => !agents.some((agent) => agent.name === name && agent.running));
  const wrong = [
    ...(foreign.length > 0 ? [`not allowed: ${listed(foreign.map(({ name }) => name))}`] : []),
    ...(missing.length > 0 ? [`does not run: ${listed(missing)}`] : []),
  ];
  const present = agents.map(
    ({ name, version, running }) =>
      `${name} ${version || '(version not known)'}${running ? '' : ', stopped'}`,
  );
  return {
    passed: wrong.length === 0,
    expected: [
      allowed.length === 0 ? 'remote management is known' : `no remote management but ${listed(allowed)}`,
      ...(required.length === 0 ? [] : [`${listed(required)} runs`]),
    ].join('; '),
    actual: wrong.length === 0 ? listed(present) || 'none is installed' : wrong.join('; '),
  };
}

function matches(name: string, pattern: string): boolean {
  const [known, asked] = [pattern.toLowerCase(), name.toLowerCase()];
  return known.endsWith('*') ? asked.startsWith(known.slice(0, -1)) : asked === known;
}

/** The program of a command line: what stands in quotes, or up to the first `.exe`. */
function programOf(command: string): string {
  return /^"([^"]+)"/.exec(command)?.[1] ?? /^(.*?\.exe)(?:\s|$)/i.exec(command)?.[1] ?? '';
}
