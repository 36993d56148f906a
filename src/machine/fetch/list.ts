// What there is to fetch: one script lists it, and every name is judged here before anything is asked for.
import { quotePath } from "../../commands/remote-shell.ts";
import { quoteWord } from "../../commands/shell-words.ts";
import { SestaError } from "../../base/errors.ts";
import { lastOf, readRecords } from "./records.ts";
import { interrupted } from "../interrupted.ts";
import type { Machine } from "../machine.ts";

/** Names are bytes, one in each character (latin1): not every name on a disk is text. */
export type Entry = { path: string; bytes: number; modifiedS: number };

export type Listing = {
  files: readonly Entry[];
  bytes: number;
  skipped: { path: string; why: string }[];
  missing: string[];
  /** What the machine can send with: rsync's version text, and how its tar takes names. */
  rsync: string;
  tar: "list" | "operands" | "none";
};

const longestListing = 100_000;
/** Folders that a fetch keeps its parts in until they are whole. */
export const stagingName = ".sesta-fetch-";

/** @throws SestaError FETCH_TOO_LARGE, TRANSFER when `from` is no folder */
export async function listFiles(
  machine: Pick<Machine, "open" | "name">,
  from: string,
  patterns: readonly string[],
  { maxBytes, signal }: { maxBytes: number; signal?: AbortSignal | undefined },
): Promise<Listing> {
  const process = await machine.open(["sh", "-c", buildListing(from, patterns)], signal ? { signal } : {});
  process.stdin.end();
  const said = lastOf(process.stderr);
  const files = new Map<string, Entry>();
  const skipped = new Map<string, string>();
  const listing: Listing = { files: [], bytes: 0, skipped: [], missing: [], rsync: "", tar: "none" };
  for await (const record of readRecords(process.stdout)) {
    const [, kind = "", size, modified, name = ""] = /^(\w) (\d+) (-?\d+)[.\d]* (.*)$/s.exec(record) ?? [];
    if (kind === "v") listing.rsync = name;
    else if (kind === "t") listing.tar = name === "list" || name === "operands" ? name : "none";
    else if (kind === "m") listing.missing.push(patterns[Number(size)] ?? "");
    else if (kind !== "d") {
      const path = name.replace(/^(?:\.\/+)+/, "");
      const why = findProblem(path) ?? reasons[kind];
      if (why !== undefined) skipped.set(path, why);
      else if (!files.has(path)) {
        listing.bytes += Number(size);
        files.set(path, { path, bytes: Number(size), modifiedS: Number(modified) });
      }
    }
    if (files.size + skipped.size <= longestListing && listing.bytes <= maxBytes) continue;
    process.stop();
    process.stdout.destroy();
    throw tooLarge(maxBytes);
  }
  const { exitCode } = await process.ended;
  if (signal?.aborted) throw interrupted("the fetch", signal);
  if (exitCode !== 0) {
    throw new SestaError(
      "TRANSFER",
      `${from} on ${machine.name} cannot be listed: ${said() || `exit code ${exitCode}`}`,
    );
  }
  const text = (path: string) => Buffer.from(path, "latin1").toString();
  return {
    ...listing,
    files: [...files.values()],
    skipped: [...skipped].map(([path, why]) => ({ path: text(path), why })),
  };
}

/** The refusal to fetch so much. */
export function tooLarge(maxBytes: number): SestaError {
  const gigabytes = Number((maxBytes / 1e9).toPrecision(3));
  return new SestaError(
    "FETCH_TOO_LARGE",
    `There is more to fetch than ${longestListing.toLocaleString("en")} files or ${gigabytes} GB`,
    { hint: "Name fewer files under `fetch:`." },
  );
}

const reasons: Readonly<Record<string, string>> = {
  l: "it is a link",
  b: "it is a device",
  c: "it is a device",
  p: "it is a pipe",
  s: "it is a socket",
  o: "it is no regular file",
  u: "it may not be read",
};

function findProblem(path: string): string | undefined {
  if (path.startsWith("/")) return "its path is absolute";
  const parts = path.split("/");
  if (parts.some((part) => part === "" || part === "." || part === "..")) return "its path leads out";
  if (parts[0]?.startsWith(stagingName)) return "its name is one of Sesta's own";
  return undefined;
}

/**
 * Prints records `KIND SIZE SECONDS PATH`, each ended by NUL. A path one of whose folders is a link is printed as a link.
 * find(1) of POSIX prints neither sizes nor NUL, so there are two ways.
 */
function buildListing(from: string, patterns: readonly string[]): string {
  const looks = patterns.map((pattern, index) => `look ${index} ${buildGlob(pattern)}`);
  return `
cd ${quotePath(from)} || exit 1
if find . -prune -printf '' 2>/dev/null; then
  list() { find "$1" -type d ! -readable -printf 'u 0 0 %p\\0' -prune -o -type f ! -readable -printf 'u 0 0 %p\\0' -o -printf '%y %s %T@ %p\\0'; }
else
  list() { find "$1" ! -type d -exec sh -c 'for f do
    s=0; m=0
    if [ -L "$f" ]; then k=l
    elif [ ! -f "$f" ]; then k=o
    elif [ ! -r "$f" ]; then k=u
    else k=f; s=$(stat -c "%s %Y" "$f" 2>/dev/null || stat -f "%z %m" "$f"); m=\${s#* }; s=\${s% *}
    fi
    printf "%s %s %s %s\\0" "$k" "$s" "$m" "$f"
  done' sh {} +; }
fi
through() {
  rest=\${1#./} at=.
  while :; do
    case $rest in */*) ;; *) return 1 ;; esac
    at=$at/\${rest%%/*} rest=\${rest#*/}
    if [ -L "$at" ]; then return 0; fi
  done
}
look() {
  n=$1; shift; found=
  for path do
    # Some shells count the folder and the one above it among the names that begin with a dot.
    case \${path#.}/ in */./* | */../*) continue ;; esac
    if [ -e "$path" ] || [ -L "$path" ]; then
      found=1
      if through "$path"; then printf 'l 0 0 %s\\0' "$path"; else list "$path"; fi
    fi
  done
  [ -n "$found" ] || printf 'm %s 0 \\0' "$n"
}
printf 'v 0 0 %s\\0' "$(rsync --version 2>/dev/null | head -n 1)"
if tar --null -T /dev/null -cf /dev/null 2>/dev/null; then t=list
elif command -v tar >/dev/null; then t=operands; else t=none; fi
printf 't 0 0 %s\\0' "$t"
${looks.join("\n")}
exit 0`;
}

/** A word of a shell in which nothing but the stars and question marks is for the shell. @throws SestaError TRANSFER */
function buildGlob(pattern: string): string {
  const parts = pattern.split("/").filter((part) => part !== "" && part !== ".");
  if (pattern.startsWith("/") || parts.includes("..")) {
    throw new SestaError("TRANSFER", `"${pattern}" leads out of the folder that is fetched from`);
  }
  const words = parts.map((part) =>
    part
      .split(/([*?])/)
      .map((piece) => (piece === "*" || piece === "?" || piece === "" ? piece : quoteWord(piece)))
      .join(""),
  );
  return [".", ...words].join("/");
}
