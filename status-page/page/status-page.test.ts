import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { connectedStatus, pendingStatus, turnedAwayStatus } from '../example-link.ts';
import {
  downloadingStatus,
  healthyStatus,
  rescueStatus,
  rolledBackStatus,
  trialStatus,
  unhealthyStatus,
} from '../example-status.ts';
import { readyUpdate, rolledBackUpdate } from '../example-updates.ts';
import { PAGE_MAX_BYTES, PAGE_VERDICTS_MAX } from '../limits.ts';
import { sourceFailed } from '../problem.ts';
import { exampleSite } from '../site/example-site.ts';
import type { Status } from '../status.ts';
import { admitStatus } from '../status-check.ts';
import { renderProblemPage } from './problem-page.tsx';
import { renderStatusPage } from './status-page.tsx';
import { clip, formatOffset, formatTime, sentence } from './words.ts';

const EXAMPLES = [
  ['healthy', healthyStatus],
  ['trial', trialStatus],
  ['unhealthy', unhealthyStatus],
  ['rescue', rescueStatus],
  ['downloading', downloadingStatus],
  ['rolled back', rolledBackStatus],
  ['connected', connectedStatus],
  ['pending', pendingStatus],
  ['turned away', turnedAwayStatus],
] as const;

type Path = (string | number)[];

/** Paths of all texts in a status. */
function textPaths(value: unknown, at: Path = []): Path[] {
  if (typeof value === 'string') return [at];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => textPaths(inner, [...at, key]));
}

function withTextAt(status: Status, path: Path, text: string): Status {
  const copy = structuredClone(status);
  let holder = copy as unknown as Record<string, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string, unknown>;
  holder[String(path.at(-1))] = text;
  return copy;
}

/** Elements of a page in order with the names of their attributes, as an HTML parser sees them. */
function skeleton(html: string): string[] {
  const found: string[] = [];
  new HTMLRewriter()
    .on('*', {
      element(element) {
        found.push([element.tagName, ...[...element.attributes].map(([name]) => name)].join(' '));
      },
    })
    .transform(html);
  return found;
}

/** Paths of the texts that the schema lets anything into. */
function freeTextPaths(status: Status): Path[] {
  return textPaths(status).filter((path) => {
    try {
      admitStatus(withTextAt(status, path, 'anything'));
      return true;
    } catch {
      return false;
    }
  });
}

/** Everything that can be said of a link at once, though none is in all of these states. */
function fullLink(): Status['coordinator']['link'] {
  const [away, waits] = [turnedAwayStatus().coordinator.link, pendingStatus().coordinator.link];
  return (
    away && waits && { ...away, code: waits.code, codeExpiresAt: waits.codeExpiresAt, provision: 'refused' }
  );
}

describe('the page', () => {
  test.each(EXAMPLES)('%s: is an example that the schema admits unchanged', (_, status) => {
    expect(admitStatus(status())).toEqual(status());
  });

  test.each(EXAMPLES)('%s: names nothing outside this appliance', (_, status) => {
    const html = renderStatusPage({ ...status(), coordinator: { ...status().coordinator, url: null } });
    expect(html).not.toMatch(/(src|href|action|poster|data)="(?!\/(?!\/)|#)/);
    expect(html).not.toMatch(/https?:|\/\/|url\(|@import|style=|<style| on[a-z]+=/);
  });

  test.each(EXAMPLES)('%s: fits the size limit', (_, status) => {
    expect(renderStatusPage(status()).length).toBeLessThan(PAGE_MAX_BYTES / 2);
  });

  test.each(EXAMPLES)(
    '%s: has one heading of the first rank, and ids that are unique and refer to each other',
    (_, status) => {
      const html = renderStatusPage(status());
      expect(html.match(/<h1/g)).toHaveLength(1);
      const ids = [...html.matchAll(/ id="([^"]*)"/g)].map((match) => match[1]);
      expect(new Set(ids).size).toBe(ids.length);
      for (const [, id] of html.matchAll(/aria-labelledby="([^"]*)"/g)) expect(ids).toContain(id);
    },
  );

  test.each(EXAMPLES)('%s: escapes every text of a status, wherever it stands', (_, example) => {
    const status = example();
    const usual = skeleton(renderStatusPage(status));
    const paths = freeTextPaths(status);
    expect(paths.length).toBeGreaterThan(80);
    for (const path of paths) {
      const hostile = `"'><script>alert(1)</script><img src=x onerror="alert(2)">&lt;b>`;
      const html = renderStatusPage(withTextAt(status, path, hostile));
      const added = skeleton(html).filter((element) => !usual.includes(element));
      expect(
        added.filter((element) => !/^(small|section|li|p|div|h2|ul)( |$)/.test(element)),
        path.join('.'),
      ).toEqual([]);
      expect(
        skeleton(html).filter((element) => element.startsWith('script')),
        path.join('.'),
      ).toHaveLength(1);
    }
  });

  test('keeps its structure whatever a host name or a message says', () => {
    const usual = skeleton(renderStatusPage(healthyStatus()));
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: fc.constantFrom(...'<>"\'&;/ a!-\0\n⛵') }), (text) => {
        const status = healthyStatus();
        status.identity.hostname = text;
        const [verdict] = status.health.verdicts;
        if (verdict?.checks[0]) {
          verdict.reason = text;
          verdict.checks[0].message = text;
          verdict.id = text;
        }
        expect(skeleton(renderStatusPage(status))).toEqual(usual);
      }),
      { numRuns: 200 },
    );
  });

  test.each(['x', '<&"', 'ä', '⛵'])(
    'stays under the size limit when everything is full of %s',
    (character) => {
      const long = character.repeat(2000);
      // Everything at once that a card can show, though no appliance is in all of these states.
      let status: Status = {
        ...rescueStatus(),
        coordinator: { ...turnedAwayStatus().coordinator, link: fullLink() },
        update: { ...rolledBackUpdate(), progress: readyUpdate().progress, onItsWay: readyUpdate().onItsWay },
      };
      const many = <T>(list: T[]): T[] => list.slice(0, 1).flatMap((each) => Array<T>(200).fill(each));
      for (const path of freeTextPaths(status)) status = withTextAt(status, path, long);
      for (const verdict of status.health.verdicts) verdict.checks = many(verdict.checks);
      for (const each of status.network.interfaces) each.addresses = Array(200).fill(long);
      status = {
        ...status,
        slots: many(status.slots),
        services: many(status.services).map((each) => ({ ...each, state: 'failed' })),
        health: { ...status.health, verdicts: many(status.health.verdicts) },
        network: {
          ...status.network,
          interfaces: many(status.network.interfaces),
          dns: Array(200).fill(long),
        },
        firewall: { ...status.firewall, openPorts: Array(200).fill(long) },
        system: { ...status.system, load: Array(200).fill(1) },
        update: {
          ...status.update,
          state: 'downloading',
          history: many(status.update.history).map((each) => ({
            ...each,
            consoleTail: Array(200).fill(long),
          })),
          rejected: many(status.update.rejected),
        },
      };
      const html = renderStatusPage(admitStatus(status), exampleSite());
      expect(new TextEncoder().encode(html).length).toBeLessThan(PAGE_MAX_BYTES);
      expect(html).toContain(`and ${200 - PAGE_VERDICTS_MAX} more <span>verdicts`);
    },
  );

  test('says what is not known instead of showing a default', () => {
    const status = rescueStatus();
    expect(renderStatusPage(status)).toContain('not known');
    expect(renderStatusPage({ ...status, boot: { ...status.boot, attempt: null } })).not.toContain('null');
  });

  test('shows the code of an appliance that waits for approval, and until when', () => {
    const text = renderStatusPage(pendingStatus()).replace(/<[^>]*>/g, ' ');
    for (const word of ['QA33-50D8-FNWJ-V5ND', '22 Nov 2026, 12:02:00', 'waits for approval', '2 messages'])
      expect(text).toContain(word);
    expect(renderStatusPage(connectedStatus())).not.toContain('QA33');
  });

  test('tells every state in words, not by colour alone', () => {
    const text = renderStatusPage(rescueStatus()).replace(/<[^>]*>/g, ' ');
    for (const word of ['Rescue', 'bad', 'empty', 'failed', 'not loaded', 'no cable', 'not reachable']) {
      expect(text).toContain(word);
    }
  });
});

describe('the page of a problem', () => {
  test('gives the code and the way out, and nothing of what is underneath', () => {
    const html = renderProblemPage(sourceFailed(new Error('password is swordfish')));
    expect(html).toContain('STATUS_SOURCE_FAILED');
    expect(html).toContain('journalctl');
    expect(html).not.toContain('swordfish');
  });
});

describe('words', () => {
  test('a clause becomes a sentence, and a sentence stays one', () => {
    expect(sentence('slot A runs')).toBe('Slot A runs.');
    expect(sentence('Too late!')).toBe('Too late!');
    expect(sentence('cut…')).toBe('Cut…');
    expect(sentence('')).toBe('');
  });
  test('a time stands in the zone of the appliance', () => {
    expect(formatTime('2026-11-21T11:18:02Z', 'Europe/Berlin')).toBe('21 Nov 2026, 12:18:02');
  });
  test('a zone that does not exist reads as UTC and says so', () => {
    expect(formatTime('2026-11-21T11:18:02Z', 'Mars/Olympus')).toBe('21 Nov 2026, 11:18:02 UTC');
  });
  test('a long text is cut between characters, counted by what they cost', () => {
    expect(clip('ship', 4)).toBe('ship');
    expect(clip('ships', 4)).toBe('shi…');
    expect(clip('🚢🚢🚢', 8)).toBe('🚢…');
    expect(clip('<<<', 10)).toBe('<…');
  });
  test('an offset has a sign and a unit', () => {
    expect([formatOffset(12.4), formatOffset(-1800), formatOffset(0)]).toEqual(['+12 ms', '−1.8 s', '+0 ms']);
  });
});
