// Which foreground command lines are idle shells.
import { expect, test } from "vitest";
import { isInteractiveShell } from "./shells.ts";

test.each([
  "bash",
  "-bash",
  "/bin/bash -l",
  "/usr/bin/zsh -il",
  "bash --rcfile /x/rc -i",
  "/bin/bash --init-file /x/integration.sh",
  "bash -O extglob",
  "sh -s",
  "fish -C true",
  "-zsh",
  "bash --",
])("%s waits for somebody", (line) => {
  expect(isInteractiveShell(line.split(" "))).toBe(true);
});

test.each([
  "bash train.sh",
  "/bin/sh ./train.sh --epochs 3",
  "bash -l train.sh",
  "bash -c true",
  "bash -lc true",
  "fish --command=true",
  "bash -- train.sh",
  "bash -o pipefail train.sh",
  "python",
  "rbash-like",
  "",
])("%s is a program", (line) => {
  expect(isInteractiveShell(line.split(" "))).toBe(false);
});
