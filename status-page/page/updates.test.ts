import { describe, expect, test } from 'vitest';
import { downloadingStatus, healthyStatus, rolledBackStatus } from '../example-status.ts';
import { neverUpdated, readyUpdate, unknownUpdate, verifyingUpdate } from '../example-updates.ts';
import { PAGE_CONSOLES_MAX_BYTES, PAGE_UPDATES_MAX } from '../limits.ts';
import type { Status } from '../status.ts';
import type { UpdateSection } from '../update-section.ts';
import { renderStatusPage } from './status-page.tsx';

const withUpdate = (update: UpdateSection): Status => ({ ...healthyStatus(), update });

/** The card as it stands in the page. */
function card(status: Status): string {
  return /<section id="updates"[\s\S]*?<\/section>/.exec(renderStatusPage(status))?.[0] ?? '';
}

/** What a person reads there, in order. */
function words(status: Status): string {
  return card(status)
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

describe('the card of the updates', () => {
  test('of an appliance that was never updated says so and nothing else', () => {
    expect(words(withUpdate(neverUpdated()))).toBe(
      'Updates no update yet Slot A (0.4.2) runs and is committed; nothing is pending.',
    );
  });

  test('says that nobody knows', () => {
    expect(words(withUpdate(unknownUpdate()))).toContain('not known The health gate has not looked');
  });

  test('shows a running transfer as a bar and in words, with what it fetched', () => {
    const html = card(downloadingStatus());
    expect(html).toContain('<progress max="1" value="0.400" aria-label="Update: writing slot B">');
    for (const expected of ['downloading', '40 %', 'writing slot B', '60.5 MiB of 147.0 MiB', 'full bundle'])
      expect(words(downloadingStatus()).replaceAll('\u00a0', ' ')).toContain(expected);
  });

  test('claims no part of a transfer whose size nobody knows yet', () => {
    const status = downloadingStatus();
    const { progress } = status.update;
    if (progress) Object.assign(progress, { phase: 'checking', total_bytes: null });
    expect(card(status)).toContain('<progress aria-label="Update">');
    expect(words(status)).toContain('looking at the release');
  });

  test('shows no bar once the transfer is over', () => {
    const ready = withUpdate(readyUpdate());
    expect(card(ready)).not.toContain('<progress');
    expect(words(ready)).toContain('On its way Release 0.5.0 in slot B Tried in the maintenance window');
    expect(words(withUpdate(verifyingUpdate()))).toContain('Tried now');
  });

  test('lists what ended with outcome, versions, way and reason', () => {
    const text = words(rolledBackStatus());
    expect(text).toContain('rolled back 0.4.2 → 0.5.0 21 Nov 2026, 03:21:40 slot B · single blocks');
    expect(text).toContain('No boot of it reached the health gate: it panicked, hung, or was damaged.');
    expect(text).toContain('failed 0.4.2 → not known');
    expect(text).toContain('Not tried again 0.5.0');
  });

  test('holds the last words of a trial that failed, folded', () => {
    const html = card(rolledBackStatus());
    const folded = /<details class="console">([\s\S]*?)<\/details>/.exec(html)?.[1] ?? '';
    expect(folded).toContain('Its console, last 18 lines');
    expect(folded).toContain('Kernel panic - not syncing');
    expect(html.match(/<details/g)).toHaveLength(1);
  });

  test('shows a console as text, whatever the machine wrote', () => {
    const status = rolledBackStatus();
    const esc = String.fromCharCode(27);
    status.update.history[0]?.consoleTail.push(
      '</pre><script>alert(1)</script>',
      `${esc}[1;31mFAILED${esc}[0m\tto start\0 x`,
    );
    const html = card(status);
    expect(html).toContain('&lt;/pre&gt;&lt;script&gt;alert(1)');
    expect(html).not.toContain('<script>');
    expect(html).toContain('FAILED  to start x');
  });

  test('shows the end of a long console and counts the rest', () => {
    const status = rolledBackStatus();
    const [last] = status.update.history;
    if (last) last.consoleTail = Array.from({ length: 120 }, (_, line) => `<${line}> ${'x'.repeat(90)}`);
    const html = card(status);
    expect(html).toMatch(/last \d\d of 120 lines/);
    expect(html).toContain('&lt;119>'.replace('>', '&gt;'));
    expect(html.length).toBeLessThan(PAGE_CONSOLES_MAX_BYTES + 6_000);
  });

  test('counts the updates that it leaves out', () => {
    const status = rolledBackStatus();
    const [last] = status.update.history;
    status.update.history = last ? Array(PAGE_UPDATES_MAX + 3).fill({ ...last, consoleTail: [] }) : [];
    expect(words(status)).toContain('and 3 more updates in the JSON');
  });
});
