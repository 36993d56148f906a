// What comes after `--` reaches the user's script, in a real shell, or is known to be lost.
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { buildScriptArgv, findLostOperands } from "./script-argv.ts";

test.each<[string, string[], string]>([
  ["echo one", [], "one\n"],
  ["echo one", ["two three", "$x"], "one two three $x\n"],
  ["echo 0\necho last\n", ["a"], "0\nlast a\n"],
  ['echo "$2" "$1"', ["a", "b"], "b a\n"],
  ['for x in "$@"; do echo "<$x>"; done', ["a", "b"], "<a>\n<b>\n"],
  ['for a do echo "<$a>"; done; exit 0 #', ["a b", ""], "<a b>\n<>\n"],
  ['for a; do echo "<$a>"; done', ["a b"], "<a b>\n"],
  ["while getopts x: o; do echo $OPTARG; done", ["-x", "y"], "y\n"],
  ["# first\necho '# no comment' a#b \\#", ["x"], "# no comment a#b # x\n"],
  [`echo "it's $1"`, ["x"], "it's x\n"],
  [`echo "$(echo '(' "$1")"`, ["x"], "( x\n"],
  [`echo '$1' "\${1}"`, ["x"], "$1 x\n"],
  ["cat <<END\nit's $1\nEND", ["x"], "it's x\n"],
  ["cat <<END\nit's $1, isn't it\nEND", ["x"], "it's x, isn't it\n"],
  ["echo done", ["x"], "done x\n"],
  ["echo $(echo a)", ["x"], "a x\n"],
  ["echo '", [], ""],
])("%j with %j", (script, operands, printed) => {
  const [program = "", ...rest] = buildScriptArgv(script, operands);
  if (operands.length > 0) expect(findLostOperands(script)).toBeUndefined();
  if (printed !== "") expect(execFileSync(program, rest, { encoding: "utf8" })).toBe(printed);
});

test.each([
  ["python train.py # as ever", "comment"],
  ["echo a\n  # the end", "comment"],
  ["python train.py # takes $1", "comment"],
  ["awk '{ print $1 }' data.txt", "single quotes"],
  [`echo "$(awk '{ print $1 }' data.txt)"`, "single quotes"],
  ["cat <<'END'\ntext\nEND", "here-document"],
  ["for x in a b; do echo $x; done", "no command"],
  ["python train.py &", "no command"],
])("%j would lose them", (script, why) => {
  expect(findLostOperands(script)).toContain(why);
});
