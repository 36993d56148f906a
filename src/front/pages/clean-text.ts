// Text from programs made fit to be read: no terminal sequences, no control or direction characters.

const longestLine = 2000;
const mostLines = 200;

// ECMA-48: string sequences (OSC, DCS, SOS, PM, APC) up to BEL or ST, control sequences (CSI), and two-character escapes.
const sequences =
  // oxlint-disable-next-line no-control-regex
  /(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|$)|(?:\x1b\[|\x9b)[\x30-\x3f]*[\x20-\x2f]*[\x40-\x7e]?|\x1b[\x20-\x2f]*[\x30-\x7e]?/g;
// Controls but tab and newline, lone surrogates, and the marks that reorder text (Unicode UAX #9).
const controls =
  // oxlint-disable-next-line no-control-regex
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|\p{Surrogate}/gu;

/** One line: also newlines and tabs become spaces. */
export function cleanText(text: string): string {
  return strip(text.slice(0, longestLine)).replace(/\s+/g, " ").trim();
}

/** The last lines of a log as one text. A line that was rewritten with carriage returns shows its last writing. */
export function cleanLog(lines: readonly string[]): string {
  return lines
    .slice(-mostLines)
    .flatMap((line) => line.split("\n"))
    .map((line) => strip(lastWriting(line)).slice(0, longestLine))
    .join("\n")
    .trimEnd();
}

function lastWriting(line: string): string {
  const written = line.replace(/\r+$/, "");
  return written.slice(written.lastIndexOf("\r") + 1);
}

function strip(text: string): string {
  return text.replace(sequences, "").replace(controls, "");
}
