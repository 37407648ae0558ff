import { readFile } from 'node:fs/promises';
import { Type as t } from '@sinclair/typebox';
import { Value } from '@sinclair/typebox/value';
import { Unknowable } from '../../base/schema.ts';
import { type Check, failed, passed } from '../check.ts';
import { CHECK_TIMEOUT_MS } from '../limits.ts';

/** What the gate needs of the firewall's facts; the file has more, which is none of its business. */
const FirewallFacts = t.Object({
  loaded: t.Boolean(),
  rules: t.Integer({ minimum: 0 }),
  digest: Unknowable(t.String()),
  drift: t.Boolean(),
  message: t.String(),
});

/**
 * The firewall was applied, has not drifted, and (where the kernel can be asked) is what the kernel holds.
 * Facts alone are a claim: the table may have been flushed since they were written.
 */
export const firewallLoaded: Check = {
  name: 'firewall-loaded',
  decisive: true,
  timeout_ms: () => CHECK_TIMEOUT_MS,
  async find(context) {
    const { firewallFactsFile } = context.paths;
    const facts: unknown = JSON.parse(await readFile(firewallFactsFile, 'utf8'));
    if (!Value.Check(FirewallFacts, facts)) {
      const first = Value.Errors(FirewallFacts, facts).First();
      return failed(`${firewallFactsFile} is invalid at ${first?.path || '/'}: ${first?.message ?? ''}`);
    }
    if (!facts.loaded || facts.digest === null) return failed(`the firewall is not loaded: ${facts.message}`);
    if (facts.drift) return failed(`the firewall has drifted: ${facts.message}`);
    if (context.liveFirewall === null) return passed(`${facts.rules} rules were loaded`);
    const live = await context.liveFirewall();
    if (!live.loaded) return failed('the kernel holds no firewall table, though one was loaded');
    if (live.digest !== facts.digest) {
      return failed(`the kernel holds other rules (${live.digest}) than were loaded (${facts.digest})`);
    }
    return passed(`${facts.rules} rules are loaded, the kernel agrees`);
  },
};
