import { BulkheadError, describeError } from '../../../base/errors.ts';
import { parseDefinition } from '../definition.ts';
import { describePlan } from '../describe-plan.ts';
import { ACTIONS, type RolloutAction } from '../intent.ts';
import type { Box } from './boxes.ts';
import { Rehearsal } from './rehearsal.ts';
import { box, v } from './rehearse.ts';

const START_MS = Date.parse('2026-11-23T10:00:00Z');
const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Runs a transcript: a line that begins with `> ` is a command, one that begins with `#` is for the reader, everything else is what
 * commands said when it was recorded, and is said anew.
 *
 * ```
 * > fleet 5 at 1.0.0                         boxes b01 to b05
 * > set b02 offline | busy | pinned 1.0.0 | rejected 1.1.0 | version 1.1.0 | hardware hp-t740 | ring early
 * > rollout {"version": "1.1.0", …}          what parseDefinition takes; channel and hardware are filled in
 * > approve, pause, resume, release_brake, retry_failed, cancel, roll_back
 * > plan                                     the next plan, carried out
 * > wait 30m | 1h | 2d                       time passes
 * > all succeed, > b01 b02 fetch | boot | succeed | fail | roll_back | fall_back | silent | back
 * ```
 */
export function replay(transcript: string): string {
  const stage = new Stage();
  const lines = transcript.split('\n').filter((line) => line.startsWith('#') || line.startsWith('> '));
  const said = lines.flatMap((line) => {
    if (line.startsWith('#')) return ['', line];
    const answer = stage.run(line.slice(2).trim());
    return answer === '' ? [line] : [line, answer];
  });
  return `${said.join('\n').trim()}\n`;
}

class Stage {
  readonly #boxes = new Map<string, Box>();
  #rehearsal: Rehearsal | null = null;

  run(command: string): string {
    const [verb = '', ...words] = command.split(' ');
    try {
      if (verb === 'fleet') return this.#fleet(Number(words[0]), words[2] ?? '');
      if (verb === 'set') return this.#set(words);
      if (verb === 'rollout') return this.#rollout(words.join(' '));
      if (verb === 'plan') return this.#plan();
      if (verb === 'wait') return this.#wait(words[0] ?? '');
      if (isAction(verb)) {
        this.#active.act(verb);
        return '';
      }
      return this.#befall([verb, ...words]);
    } catch (error) {
      // What an operator may be told is a part of the transcript; anything else is a fault of the transcript or of ours.
      if (!(error instanceof BulkheadError)) throw error;
      return `  ${describeError(error)}`;
    }
  }

  get #active(): Rehearsal {
    if (!this.#rehearsal) throw new Error('no rollout yet');
    return this.#rehearsal;
  }

  #fleet(count: number, version: string): string {
    for (let number = 1; number <= count; number += 1) {
      const id = `b${String(number).padStart(2, '0')}`;
      this.#boxes.set(id, box(id, { version: v(version) }));
    }
    return '';
  }

  #set([id = '', what = '', value = '']: string[]): string {
    const one = this.#boxes.get(id);
    if (!one) throw new Error(`no box ${id}`);
    const change = {
      offline: { presence: 'offline' as const },
      busy: { free: false },
      pinned: { policy: { kind: 'pinned' as const, version: value as ReturnType<typeof v> } },
      rejected: { rejected: [value as ReturnType<typeof v>] },
      version: { version: value as ReturnType<typeof v> },
      hardware: { hardware: value },
      ring: { tags: { ring: value } },
    }[what];
    if (!change) throw new Error(`nothing to set is called ${what}`);
    one.known = { ...one.known, ...change };
    return '';
  }

  #rollout(json: string): string {
    const request: unknown = JSON.parse(json);
    const definition = parseDefinition('spring', {
      channel: 'stable',
      compatible: ['hp-t640'],
      cohort: 'all',
      ...(request as object),
    });
    this.#rehearsal = new Rehearsal(definition, this.#boxes.values(), START_MS);
    return '';
  }

  #plan(): string {
    const plan = this.#active.step();
    return plan.reasons.length === 0 ? '  nothing new' : indent(describePlan(plan));
  }

  #wait(span: string): string {
    const [, count, unit = ''] = /^(\d+)([mhd])$/.exec(span) ?? [];
    const rehearsal = this.#active;
    rehearsal.now_ms += Number(count) * (UNITS_MS[unit] ?? Number.NaN);
    for (const one of this.#boxes.values()) {
      if (one.known.presence === 'online') one.speak(rehearsal.now_ms);
    }
    return '';
  }

  #befall(words: readonly string[]): string {
    const what = words.at(-1) ?? '';
    const ids = words[0] === 'all' ? [...this.#boxes.keys()] : words.slice(0, -1);
    for (const id of ids) {
      const one = this.#boxes.get(id);
      if (!one) throw new Error(`no box ${id}`);
      befall(one, what, this.#active.now_ms);
    }
    return '';
  }
}

function befall(one: Box, what: string, now_ms: number): void {
  switch (what) {
    case 'fetch':
      one.poll();
      break;
    case 'boot':
      one.poll();
      one.boot();
      break;
    case 'succeed':
    case 'fail':
    case 'roll_back':
      one.poll();
      one.finish(what, now_ms);
      break;
    case 'fall_back':
      one.fallBack();
      break;
    case 'silent':
      one.silence();
      break;
    case 'back':
      one.speak(now_ms);
      break;
    default:
      throw new Error(`nothing that happens to boxes is called ${what}`);
  }
}

function isAction(word: string): word is RolloutAction {
  return (ACTIONS as readonly string[]).includes(word);
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}
