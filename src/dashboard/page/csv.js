// CSV as RFC 4180 has it, and as `guestlist import` reads it: cells in quotes or not, spaces around them left out.

// What stands outside of quotes up to the end of a cell, and what ends it.
const PLAIN = /([^,\r\n]*)(,|\r\n|\n|\r|$)/y;

// Where a cell in quotes ends, which begins at a place: a quote that is never closed goes on to the end.
const endOfQuoted = (text, begin) => {
  let end = text.indexOf('"', begin + 1);
  while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
  return end < 0 ? text.length : end;
};

const linesIn = (text) => text.split('\n').length - 1;

// The records of a text that have anything in them, each with the number of the line where it begins.
export function* records(text) {
  let [at, line, begun, cells] = [0, 1, 1, []];
  while (at < text.length || cells.length > 0) {
    let quoted;
    if (text[at] === '"') {
      const end = endOfQuoted(text, at);
      quoted = text.slice(at + 1, end);
      line += linesIn(quoted);
      at = end + 1;
    }
    PLAIN.lastIndex = Math.min(at, text.length);
    const [, plain, end] = PLAIN.exec(text);
    at = PLAIN.lastIndex;
    cells.push(((quoted?.replaceAll('""', '"') ?? '') + plain).trim());
    if (end === ',') continue;
    const isBlank = cells.length === 1 && plain === '' && quoted === undefined;
    if (!isBlank) yield { line: begun, cells };
    line += 1;
    [cells, begun] = [[], line];
  }
}

// A record as a line.
export const written = (cells) => {
  const quoted = cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell));
  return `${quoted.join(',')}\n`;
};
