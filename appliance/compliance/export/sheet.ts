import { PDFDocument, type PDFFont, type PDFPage, rgb, StandardFonts } from '@cantoo/pdf-lib';

/** A4, in points. */
const WIDTH = 595.28;
const HEIGHT = 841.89;
const MARGIN = 42;
const LINE_RATIO = 1.32;
const INK = rgb(0.07, 0.14, 0.17);
const SOFT = rgb(0.29, 0.37, 0.4);
const LINE = rgb(0.83, 0.87, 0.88);

const COLOURS = {
  good: rgb(0.08, 0.39, 0.27),
  bad: rgb(0.62, 0.13, 0.11),
  wait: rgb(0.45, 0.28, 0),
  plain: SOFT,
} as const;
export type Colour = keyof typeof COLOURS;

export interface Cell {
  text: string;
  colour?: Colour;
  bold?: boolean;
}

export interface Column {
  title: string;
  /** Part of the width. */
  share: number;
}

/** A dozen rows take some ten milliseconds; what makes a report also answers sensors. */
const ROWS_A_TURN = 12;
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * Pages that are written from top to bottom. What is written depends on nothing but what is handed in: no clock, no chance, no
 * identifier, so the same report is the same bytes.
 */
export class Sheet {
  readonly #file: PDFDocument;
  readonly #plain: PDFFont;
  readonly #bold: PDFFont;
  readonly #known: ReadonlySet<number>;
  readonly #widths = new Map<PDFFont, Map<string, number>>();
  #page: PDFPage;
  #y = 0;

  private constructor(file: PDFDocument, plain: PDFFont, bold: PDFFont) {
    this.#file = file;
    this.#plain = plain;
    this.#bold = bold;
    this.#known = new Set(plain.getCharacterSet());
    this.#page = this.#nextPage();
  }

  /** @param made the moment that the file says it was made */
  static async open(title: string, made: Date): Promise<Sheet> {
    const file = await PDFDocument.create({ updateMetadata: false });
    file.setTitle(title);
    file.setProducer('Bulkhead');
    file.setCreator('Bulkhead');
    file.setCreationDate(made);
    file.setModificationDate(made);
    const plain = await file.embedFont(StandardFonts.Helvetica);
    const bold = await file.embedFont(StandardFonts.HelveticaBold);
    return new Sheet(file, plain, bold);
  }

  heading(text: string, size = 13): void {
    this.#need(size * 4);
    this.#y -= size * 0.9;
    this.#put(text, MARGIN, size, { bold: true });
    this.#y -= size * 0.5;
  }

  paragraph(text: string, size = 9.5): void {
    for (const line of this.#wrap(text, WIDTH - 2 * MARGIN, size, this.#plain)) {
      this.#need(size * LINE_RATIO);
      this.#put(line, MARGIN, size, { colour: 'plain' });
    }
    this.#y -= size * 0.4;
  }

  /** A table whose head is repeated on every page that it reaches. Others get their turn between the rows. */
  async table(columns: readonly Column[], rows: readonly (readonly Cell[])[], size = 8): Promise<void> {
    const total = columns.reduce((sum, { share }) => sum + share, 0);
    const widths = columns.map(({ share }) => ((WIDTH - 2 * MARGIN) * share) / total);
    const head = columns.map(({ title }): Cell => ({ text: title, bold: true, colour: 'plain' }));
    this.#row(head, widths, size, null);
    for (const [index, row] of rows.entries()) {
      this.#row(row, widths, size, head);
      if (index % ROWS_A_TURN === ROWS_A_TURN - 1) await nextTurn();
    }
    this.#y -= size;
  }

  /** Bars from 0 to 1, a value each; null leaves a gap. */
  bars(values: readonly (number | null)[], height = 46): void {
    this.#need(height + 12);
    const width = (WIDTH - 2 * MARGIN) / Math.max(values.length, 30);
    const floor = this.#y - height;
    values.forEach((value, index) => {
      if (value === null) return;
      const x = MARGIN + index * width;
      const color = value >= 1 ? COLOURS.good : value >= 0.8 ? COLOURS.wait : COLOURS.bad;
      this.#page.drawRectangle({
        x,
        y: floor,
        width: width * 0.8,
        height: Math.max(0.5, height * value),
        color,
      });
    });
    this.#page.drawLine({
      start: { x: MARGIN, y: floor },
      end: { x: WIDTH - MARGIN, y: floor },
      color: LINE,
    });
    this.#y = floor - 10;
  }

  /** Numbers the pages and closes. @param foot what stands at the foot of each */
  async end(foot: string): Promise<Uint8Array> {
    const pages = this.#file.getPages();
    pages.forEach((page, index) => {
      const text = this.#clean(`${foot}, page ${index + 1} of ${pages.length}`);
      page.drawText(text, { x: MARGIN, y: MARGIN / 2, size: 7.5, font: this.#plain, color: SOFT });
    });
    return this.#file.save({ useObjectStreams: true });
  }

  #row(cells: readonly Cell[], widths: readonly number[], size: number, head: readonly Cell[] | null): void {
    const lines = cells.map(({ text, bold }, index) =>
      this.#wrap(text, (widths[index] ?? 0) - 6, size, bold ? this.#bold : this.#plain),
    );
    const height = Math.max(1, ...lines.map(({ length }) => length)) * size * LINE_RATIO + 5;
    if (this.#y - height < MARGIN) {
      this.#page = this.#nextPage();
      if (head !== null) this.#row(head, widths, size, null);
    }
    const top = this.#y;
    let x = MARGIN;
    cells.forEach((cell, index) => {
      this.#y = top;
      for (const line of lines[index] ?? []) this.#put(line, x, size, cell);
      x += widths[index] ?? 0;
    });
    this.#y = top - height;
    const y = this.#y + 2;
    this.#page.drawLine({
      start: { x: MARGIN, y },
      end: { x: WIDTH - MARGIN, y },
      thickness: 0.5,
      color: LINE,
    });
  }

  #put(text: string, x: number, size: number, { bold, colour }: Omit<Cell, 'text'>): void {
    this.#y -= size * LINE_RATIO;
    const color = colour === undefined ? INK : COLOURS[colour];
    this.#page.drawText(this.#clean(text), {
      x,
      y: this.#y,
      size,
      font: bold ? this.#bold : this.#plain,
      color,
    });
  }

  #need(height: number): void {
    if (this.#y - height < MARGIN) this.#page = this.#nextPage();
  }

  #nextPage(): PDFPage {
    this.#y = HEIGHT - MARGIN;
    return this.#file.addPage([WIDTH, HEIGHT]);
  }

  /** Words that are too long for a line are cut where it ends: identifiers and hashes. */
  #wrap(text: string, width: number, size: number, font: PDFFont): string[] {
    const lines: string[] = [];
    let line = '';
    for (const word of this.#clean(text)
      .split(' ')
      .flatMap((each) => this.#cut(each, width, size, font))) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && this.#width(longer, size, font) > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    return line === '' ? lines : [...lines, line];
  }

  #cut(word: string, width: number, size: number, font: PDFFont): string[] {
    if (this.#width(word, size, font) <= width) return [word];
    const parts: string[] = [];
    let part = '';
    let used = 0;
    for (const character of word) {
      const more = this.#width(character, size, font);
      if (part !== '' && used + more > width) {
        parts.push(part);
        part = '';
        used = 0;
      }
      part += character;
      used += more;
    }
    return part === '' ? parts : [...parts, part];
  }

  /** Letter by letter, each measured once: with pairs it would be a hair narrower. */
  #width(text: string, size: number, font: PDFFont): number {
    const known = this.#widths.get(font) ?? new Map<string, number>();
    this.#widths.set(font, known);
    let width = 0;
    for (const letter of text) {
      const one = known.get(letter) ?? font.widthOfTextAtSize(letter, 1);
      known.set(letter, one);
      width += one * size;
    }
    return width;
  }

  /** The fonts that every reader has know Western European letters; others become a question mark. */
  #clean(text: string): string {
    return [...text.replace(/\s+/g, ' ')]
      .map((character) => (this.#known.has(character.codePointAt(0) ?? 0) ? character : '?'))
      .join('');
  }
}
