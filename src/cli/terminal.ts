// What the terminal can do, and the few things that are printed in colour.
import { stripVTControlCharacters, styleText } from "node:util";

export type Terminal = {
  out(text: string): void;
  err(text: string): void;
  /** A person sits at both ends, so a verb may ask and lines may be redrawn. */
  interactive: boolean;
  liveErr: boolean;
  paint: Paint;
  columns: number;
};

type Style = "red" | "green" | "yellow" | "blue" | "cyan" | "dim" | "bold";
export type Paint = (style: Style, text: string) => string;

/** Colour follows NO_COLOR and FORCE_COLOR, see no-color.org; it is off when piped. */
export function createTerminal(process: NodeJS.Process): Terminal {
  const { env, stdin, stdout, stderr } = process;
  const forced = env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0";
  const colour = !env["NO_COLOR"] && (forced || (stdout.isTTY === true && env["TERM"] !== "dumb"));
  return {
    out: (text) => void stdout.write(text),
    err: (text) => void stderr.write(text),
    interactive: stdin.isTTY === true && stderr.isTTY === true,
    liveErr: stderr.isTTY === true && env["TERM"] !== "dumb" && env["CI"] === undefined,
    paint: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    columns: stdout.columns || 100, // some pseudo-terminals say 0
  };
}

/** Columns aligned by what is seen, colours aside; the last one is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    row.forEach((cell, index) => (widths[index] = Math.max(widths[index] ?? 0, widthOf(cell))));
  return rows
    .map((row) =>
      row
        .map((cell, index) =>
          index === row.length - 1 ? cell : cell + " ".repeat((widths[index] ?? 0) - widthOf(cell)),
        )
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function widthOf(text: string): number {
  return stripVTControlCharacters(text).length;
}
