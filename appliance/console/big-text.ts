/** A font of five rows, four columns and a gap: what it spells can be read from two metres on a text screen. */
const ROWS = 5;

/** Each glyph: five rows of four columns, `#` is set; a full stop takes one column. */
const GLYPHS: Readonly<Record<string, readonly string[]>> = {
  A: [' ## ', '#  #', '####', '#  #', '#  #'],
  B: ['### ', '#  #', '### ', '#  #', '### '],
  C: [' ###', '#   ', '#   ', '#   ', ' ###'],
  E: ['####', '#   ', '### ', '#   ', '####'],
  G: [' ###', '#   ', '# ##', '#  #', ' ###'],
  H: ['#  #', '#  #', '####', '#  #', '#  #'],
  I: ['### ', ' #  ', ' #  ', ' #  ', '### '],
  K: ['#  #', '# # ', '##  ', '# # ', '#  #'],
  L: ['#   ', '#   ', '#   ', '#   ', '####'],
  N: ['#  #', '## #', '# ##', '#  #', '#  #'],
  R: ['### ', '#  #', '### ', '# # ', '#  #'],
  S: [' ###', '#   ', ' ## ', '   #', '### '],
  T: ['####', ' ## ', ' ## ', ' ## ', ' ## '],
  U: ['#  #', '#  #', '#  #', '#  #', ' ## '],
  V: ['#  #', '#  #', '#  #', ' ## ', ' ## '],
  Y: ['#  #', '#  #', ' ## ', ' ## ', ' ## '],
  '0': [' ## ', '#  #', '#  #', '#  #', ' ## '],
  '1': [' #  ', '##  ', ' #  ', ' #  ', '### '],
  '2': ['### ', '   #', ' ## ', '#   ', '####'],
  '3': ['### ', '   #', ' ## ', '   #', '### '],
  '4': ['#  #', '#  #', '####', '   #', '   #'],
  '5': ['####', '#   ', '### ', '   #', '### '],
  '6': [' ## ', '#   ', '### ', '#  #', ' ## '],
  '7': ['####', '   #', '  # ', ' #  ', ' #  '],
  '8': [' ## ', '#  #', ' ## ', '#  #', ' ## '],
  '9': [' ## ', '#  #', ' ###', '   #', ' ## '],
  '.': [' ', ' ', ' ', ' ', '#'],
  ' ': ['  ', '  ', '  ', '  ', '  '],
};

/** Five lines that spell the text, without white space at their ends; null when a character has no glyph. */
export function bigText(text: string): string[] | null {
  const glyphs = [...text].map((character) => GLYPHS[character]);
  if (glyphs.some((glyph) => glyph === undefined)) return null;
  return Array.from({ length: ROWS }, (_, row) =>
    glyphs
      .map((glyph) => glyph?.[row] ?? '')
      .join(' ')
      .trimEnd(),
  );
}
