import { BulkheadError } from '../../base/errors.ts';
import type { Reply } from './client.ts';
import { ERRANDS_MAX } from './limits.ts';

/** A question of another part to the coordinator, whose answer that part needs. Unlike a message it is not kept: whoever asks, asks again. */
export interface Question {
  path: string;
  /** JSON. */
  body: string;
}

interface Asked extends Question {
  answer: (reply: Reply) => void;
}

/** Questions in their order; they go when nothing else does. */
export class Errands {
  readonly #asked: Asked[] = [];

  /** Resolves with what came back, or with silence when there is nobody to ask. @throws BulkheadError LINK_BUSY */
  async ask(question: Question): Promise<Reply> {
    if (this.#asked.length >= ERRANDS_MAX)
      throw new BulkheadError('LINK_BUSY', `${ERRANDS_MAX} questions wait for the coordinator`);
    return await new Promise((answer) => this.#asked.push({ ...question, answer }));
  }

  get waiting(): boolean {
    return this.#asked.length > 0;
  }

  first(): Question | undefined {
    return this.#asked[0];
  }

  /** The first one has its answer. */
  settle(reply: Reply): void {
    this.#asked.shift()?.answer(reply);
  }

  /** Nobody will answer any of them. */
  abandon(why: string): void {
    for (const { answer } of this.#asked.splice(0)) answer({ kind: 'silence', message: why });
  }
}
