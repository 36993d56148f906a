// What the ten steps work with: a table of 200 lines, a script that checks it, a template, and a repository with a C program.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createGitRemote, type GitRemote } from "../../test/support/git-remote.ts";

const makefile = `counter: counter.c
\tcc -O2 -o counter counter.c
`;

/** Reads the table, and writes what it found into results/. */
const program = `#include <stdio.h>
#include <stdlib.h>
int main(void) {
  FILE *in = fopen("data/table.csv", "r");
  FILE *out = fopen("results/sum.txt", "w");
  int factor = atoi(getenv("FACTOR")), n, lines = 0;
  long sum = 0;
  if (!in || !out) return 1;
  while (fscanf(in, "%*d,%d\\n", &n) == 1) { sum += n; lines++; }
  fprintf(out, "%ld\\n", sum * factor);
  printf("%d lines\\n", lines);
  return lines == 200 ? 0 : 1;
}
`;

export const check = `#!/bin/sh
[ "$(wc -l <data/table.csv)" -eq 200 ]
`;

/** Writes `data/` into a folder. */
export function writeData(folder: string): void {
  mkdirSync(join(folder, "data"), { recursive: true });
  writeFileSync(join(folder, "data", "table.csv"), buildTable());
  writeFileSync(join(folder, "data", "check.sh"), check, { mode: 0o755 });
}

export function buildTable(): string {
  return Array.from({ length: 200 }, (_, line) => `${line},${(line * 7919) % 1000}\n`).join("");
}

/** Reached by a git daemon on loopback. */
export async function startRepository(folder: string): Promise<GitRemote> {
  const remote = await createGitRemote("daemon", folder);
  await remote.pushElsewhere("main", { Makefile: makefile, "counter.c": program, "results/.keep": "" });
  return remote;
}
