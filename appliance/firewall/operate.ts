import { BulkheadError, describeError } from '../../base/errors.ts';
import { type FirewallFacts, readFirewallFacts, writeFirewallFacts } from './facts.ts';
import { DIFFERENCES_SHOWN_MAX } from './limits.ts';
import { type CanonicalTable, canonicalDefinition, digestOf, ruleCount } from './nft/canonical.ts';
import type { NftClient } from './nft/client.ts';
import { tableDifferences } from './nft/compare.ts';
import type { TableDefinition } from './nft/types.ts';
import { openPorts } from './open-ports.ts';
import { type FirewallPolicy, STATUS_PAGE_PORT } from './policy.ts';
import { emergencyTable, FIREWALL_TABLE, firewallTable } from './rules.ts';

/** What applying and checking need from outside. */
export interface FirewallTools {
  nft: NftClient;
  now: () => Date;
  /** where the facts go; null: nowhere (the caller may not write there) */
  factsPath: string | null;
}

/** A policy, and what went wrong on the way to it; the problem ends up in front of people. */
export interface LoadedPolicy {
  policy: FirewallPolicy;
  /** why this is the built-in policy and not that of the configuration; null when all is well */
  problem: string | null;
}

/**
 * Loads the rules of a policy, reads them back and records what the kernel has.
 *
 * It ends with the input closed whenever nft works at all. When the rules are refused, the table that was there stays
 * (the transaction is atomic); when there was none, as at boot, the emergency rules are loaded. Never throws for a refusal:
 * the facts say what is loaded now, and `firewallProblem(facts)` whether that is good.
 *
 * @throws BulkheadError FIREWALL_POLICY_UNKNOWN when the configuration cannot be read and working rules are already
 *   loaded that are not those of `loaded.policy` (they stay untouched); FIREWALL_PORT_INVALID; what writing the facts throws
 */
export async function applyFirewall(loaded: LoadedPolicy, tools: FirewallTools): Promise<FirewallFacts> {
  const intended = firewallTable(loaded.policy);
  if (loaded.problem !== null && (await otherRulesWork(intended, tools.nft))) {
    throw new BulkheadError(
      'FIREWALL_POLICY_UNKNOWN',
      `the loaded rules stay as they are: ${loaded.problem}`,
      { hint: "correct the configuration, then 'bulkhead firewall apply' again" },
    );
  }
  let refused: string | null = null;
  let changed = true;
  try {
    await tools.nft.check(intended);
    await tools.nft.replace(intended);
  } catch (error) {
    refused = describeError(error);
    changed = false;
    if (!(await filtersInput(tools.nft))) {
      try {
        await tools.nft.replace(emergencyTable(STATUS_PAGE_PORT));
        changed = true;
      } catch (second) {
        refused += `; the emergency rules: ${describeError(second)}`;
      }
    }
  }
  const before = previousFacts(tools);
  const facts = await observe(
    loaded,
    refused,
    changed ? tools.now().toISOString() : appliedAtOf(before),
    tools,
  );
  if (tools.factsPath !== null) writeFirewallFacts(facts, tools.factsPath);
  return facts;
}

/**
 * Reads the kernel's table, compares it with what the policy asks for and records that. Changes no rule.
 *
 * @throws BulkheadError NFT_NOT_PERMITTED, NFT_LIST_FAILED, NFT_OUTPUT_INVALID; what `run` throws
 */
export async function checkFirewall(loaded: LoadedPolicy, tools: FirewallTools): Promise<FirewallFacts> {
  const actual = await tools.nft.read(FIREWALL_TABLE);
  const facts = judge(loaded, actual, null, appliedAtOf(previousFacts(tools)), tools.now().toISOString());
  if (tools.factsPath !== null) writeFirewallFacts(facts, tools.factsPath);
  return facts;
}

/**
 * What the kernel holds at this moment, for those who compare it with the facts on file (the health gate).
 *
 * @throws as `checkFirewall`
 */
export async function liveFirewall(nft: NftClient): Promise<{ loaded: boolean; digest: string | null }> {
  const table = await nft.read(FIREWALL_TABLE);
  return table === null ? { loaded: false, digest: null } : { loaded: true, digest: digestOf(table) };
}

/** Pure: what a table read back means for a policy. `refused`: why loading failed, if it was tried and did. */
function judge(
  loaded: LoadedPolicy,
  actual: CanonicalTable | null,
  refused: string | null,
  appliedAt: string | null,
  checkedAt: string,
): FirewallFacts {
  const intended = canonicalDefinition(firewallTable(loaded.policy));
  const differences = tableDifferences(intended, actual);
  const mode = modeOf(actual, differences);
  const ports = actual === null ? [] : openPorts(actual);
  return {
    loaded: actual !== null && mode !== 'emergency' && dropsInput(actual),
    mode,
    rules: actual === null ? 0 : ruleCount(actual),
    digest: actual === null ? null : digestOf(actual),
    openPorts: ports,
    appliedAt,
    checkedAt,
    drift: mode !== 'policy',
    message: messageOf(mode, ports, differences, refused, loaded.problem),
  };
}

function modeOf(actual: CanonicalTable | null, differences: readonly string[]): FirewallFacts['mode'] {
  if (actual === null) return 'none';
  if (differences.length === 0) return 'policy';
  return isEmergency(actual) ? 'emergency' : 'other';
}

function messageOf(
  mode: FirewallFacts['mode'],
  ports: readonly string[],
  differences: readonly string[],
  refused: string | null,
  problem: string | null,
): string {
  const shown = differences.slice(0, DIFFERENCES_SHOWN_MAX).join('; ');
  const more = differences.length - DIFFERENCES_SHOWN_MAX;
  const list = more > 0 ? `${shown}; and ${more} more` : shown;
  const says = {
    policy: `as configured, open: ${ports.join(', ') || 'nothing'}`,
    other: `loaded rules differ from the configuration: ${list}`,
    emergency: 'only the emergency rules are loaded: status page and DHCP',
    none: 'no firewall is loaded',
  }[mode];
  const why = [refused, problem].filter((text) => text !== null);
  return why.length === 0 ? says : `${says} (${why.join('; ')})`;
}

/** The state after an attempt to load; a kernel that cannot be read counts as having nothing. */
async function observe(
  loaded: LoadedPolicy,
  refused: string | null,
  appliedAt: string | null,
  tools: FirewallTools,
): Promise<FirewallFacts> {
  const checkedAt = tools.now().toISOString();
  try {
    return judge(loaded, await tools.nft.read(FIREWALL_TABLE), refused, appliedAt, checkedAt);
  } catch (error) {
    const words = [refused, `reading back: ${describeError(error)}`]
      .filter((text) => text !== null)
      .join('; ');
    return judge(loaded, null, words, appliedAt, checkedAt);
  }
}

async function filtersInput(nft: NftClient): Promise<boolean> {
  const table = await readIfPossible(nft);
  return table !== null && dropsInput(table);
}

/** The kernel has rules of another policy, which a broken configuration must not undo. */
async function otherRulesWork(intended: TableDefinition, nft: NftClient): Promise<boolean> {
  const table = await readIfPossible(nft);
  if (table === null || !dropsInput(table) || isEmergency(table)) return false;
  return tableDifferences(canonicalDefinition(intended), table).length > 0;
}

async function readIfPossible(nft: NftClient): Promise<CanonicalTable | null> {
  try {
    return await nft.read(FIREWALL_TABLE);
  } catch {
    // What cannot be read cannot be relied on; the caller then loads rules, and that failure is the one reported.
    return null;
  }
}

function isEmergency(table: CanonicalTable): boolean {
  return tableDifferences(canonicalDefinition(emergencyTable(STATUS_PAGE_PORT)), table).length === 0;
}

/** The table drops input that no rule accepts. Ours has no flags: with any (`dormant`) it may filter nothing. */
function dropsInput(table: CanonicalTable): boolean {
  if (table.flags.length > 0) return false;
  return table.chains.some(({ hook: { hook, policy } }) => hook === 'input' && policy === 'drop');
}

function previousFacts(tools: FirewallTools): FirewallFacts | null {
  if (tools.factsPath === null) return null;
  try {
    return readFirewallFacts(tools.factsPath);
  } catch {
    // A damaged file is about to be replaced by the truth; all that is lost is when rules were last applied.
    return null;
  }
}

function appliedAtOf(facts: FirewallFacts | null): string | null {
  return facts?.appliedAt ?? null;
}
