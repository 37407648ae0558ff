import { SERIAL_TEXT_MAX_CHARS } from './limits.ts';

/** Control sequences of terminals (ECMA-48 CSI, OSC, two-character escapes) that firmware and systemd print. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
const CONTROL = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[()][0-9A-B]|[=>78cDEHM])|\r|\x00/g;
/** An escape sequence that has begun at the end of a chunk and may go on in the next. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const UNFINISHED = /\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[()])?$/;
const UNFINISHED_MAX_CHARS = 200;

/** Turns the bytes of a serial line into text without colours and cursor movements, whatever the chunks are. */
export class SerialText {
  /** Everything so far, its oldest part dropped beyond SERIAL_TEXT_MAX_CHARS. */
  text = '';
  /** Characters dropped at the front, so that positions stay meaningful. */
  dropped = 0;
  private readonly decoder = new TextDecoder();
  private held = '';

  /** Takes the next bytes; returns the text that they added. */
  push(bytes: Uint8Array): string {
    const raw = this.held + this.decoder.decode(bytes, { stream: true });
    const unfinished = UNFINISHED.exec(raw);
    const cut = unfinished && unfinished[0].length <= UNFINISHED_MAX_CHARS ? unfinished.index : raw.length;
    this.held = raw.slice(cut);
    const added = raw.slice(0, cut).replace(CONTROL, '');
    this.text += added;
    if (this.text.length > SERIAL_TEXT_MAX_CHARS) {
      const surplus = this.text.length - SERIAL_TEXT_MAX_CHARS;
      this.text = this.text.slice(surplus);
      this.dropped += surplus;
    }
    return added;
  }

  /** Position behind the last character, counted from the first that ever came. */
  get end(): number {
    return this.dropped + this.text.length;
  }

  /** Text from a position on. */
  from(position: number): string {
    return this.text.slice(Math.max(0, position - this.dropped));
  }

  lastLines(count: number): string {
    return this.text.trimEnd().split('\n').slice(-count).join('\n');
  }
}

/** Puts a time in front of every line, also when lines arrive in pieces: `   12.345 text`. */
export class TimedLines {
  private atLineStart = true;

  constructor(private readonly elapsed_ms: () => number) {}

  stamp(text: string): string {
    if (text === '') return '';
    const time = `${(this.elapsed_ms() / 1000).toFixed(3).padStart(9)} `;
    const first = this.atLineStart ? time : '';
    this.atLineStart = text.endsWith('\n');
    const body = this.atLineStart ? text.slice(0, -1) : text;
    return first + body.replaceAll('\n', `\n${time}`) + (this.atLineStart ? '\n' : '');
  }
}
