// Small files to the host in one round trip, each whole or not at all.
import { randomBytes } from "node:crypto";
import { posix } from "node:path";
import { quotePath } from "../../commands/remote-shell.ts";
import { SestaError } from "../../base/errors.ts";
import type { Argv, Ran, RunOptions } from "../machine.ts";

type Run = (argv: Argv, options?: RunOptions) => Promise<Ran>;

/** @throws SestaError DISK_FULL, TRANSFER */
export async function putRemote(
  run: Run,
  files: Readonly<Record<string, string>>,
  to: string,
  name: string,
): Promise<void> {
  const contents = Object.entries(files).map(([path, text]) => ({
    path,
    text,
    length: Buffer.byteLength(text),
  }));
  const script = buildPut(contents, to, randomBytes(6).toString("hex"));
  const input = contents.map(({ text }) => text).join("");
  const { exitCode, stderr } = await run(["sh", "-c", script], { input });
  if (exitCode === 0) return;
  const said = stderr.trim().split("\n").at(-1) ?? "";
  throw /No space left|quota/i.test(stderr)
    ? new SestaError("DISK_FULL", `${to} on ${name} cannot be written: ${said}`, {
        hint: "Free some space there and try again.",
      })
    : new SestaError(
        "TRANSFER",
        `Files could not be written to ${to} on ${name}: ${said || "the connection broke"}`,
      );
}

/**
 * All contents come as one stream into a folder beside the files, which is counted before anything is put in place: what
 * a broken line cut off is never taken for whole.
 */
function buildPut(files: readonly { path: string; length: number }[], to: string, nonce: string): string {
  const total = files.reduce((sum, { length }) => sum + length, 0);
  const folders = Map.groupBy(files, ({ path }) => posix.dirname(path));
  const inner = [...folders.keys()].filter((folder) => folder !== ".");
  let offset = 1;
  const cut = files.map(({ path, length }) => {
    const at = offset;
    offset += length;
    return `[ ! -d ${quotePath(path)} ] || { echo ${quotePath(path)} is a folder >&2; exit 1; }
tail -c +${at} "$part/all" | head -c ${length} >${partOf(path)}`;
  });
  const places = [...folders].map(([folder, inside]) => {
    const parts = inside.map(({ path }) => partOf(path));
    return `mv -f ${parts.join(" ")} ${quotePath(folder)}/`;
  });
  return `
set -e
umask 077
mkdir -p ${quotePath(to)}
cd ${quotePath(to)}
part=./.sesta-put-${nonce}
mkdir -p "$part/new"${inner.map((folder) => ` ${quotePath(folder)} ${partOf(folder)}`).join("")}
trap 'rm -rf "$part"' 0
cat >"$part/all"
[ "$(wc -c <"$part/all")" -eq ${total} ] || { echo "not all of it arrived" >&2; exit 1; }
${cut.join("\n")}
sync ${files.map(({ path }) => partOf(path)).join(" ")} 2>/dev/null || :
${places.join("\n")}
exit 0`;
}

function partOf(path: string): string {
  return `"$part/new/"${quotePath(path)}`;
}
