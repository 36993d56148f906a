// Text as one word of a POSIX shell.

/** Within single quotes nothing is special but the quote itself (XCU 2.2.2). @throws Error for a NUL, which no word holds */
export function quoteWord(text: string): string {
  if (text.includes("\0")) throw new Error("a NUL cannot stand in a shell word");
  return /^[A-Za-z0-9_./:@%+,-][A-Za-z0-9_./:=@%+,-]*$/.test(text)
    ? text
    : `'${text.replaceAll("'", "'\\''")}'`;
}

export function quoteWords(words: readonly string[]): string {
  return words.map(quoteWord).join(" ");
}
