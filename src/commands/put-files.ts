// Small text files as one stream and the script that puts them in place on the other side, each whole or not at all.
import { posix } from "node:path";
import { quotePath } from "./remote-shell.ts";

type PutFiles = {
  /** For sh; it goes on behind it when all files are in place, and otherwise ends with another code than 0. */
  script: string;
  /** Its standard input. */
  input: string;
};

/**
 * All contents come into a folder beside the files and are counted before anything is put in place, so that what a
 * broken line cut off is never taken for whole. The files are put in place in their order.
 * @param files by path below the folder: text without NUL, and paths without a new line
 * @param to a word of the shell, not a path: the folder, which is made
 * @param nonce names what is half done, and begins the lines between the contents
 */
export function buildPut(files: Readonly<Record<string, string>>, to: string, nonce: string): PutFiles {
  const paths = Object.keys(files);
  const input = Object.entries(files)
    .map(([path, text]) => `${nonce} ${path}\n${text}\n`)
    .join("");
  const folders = Map.groupBy(paths, (path) => posix.dirname(path));
  const inner = [...folders.keys()].filter((folder) => folder !== ".");
  const sum = Object.values(files).reduce((bytes, text) => bytes + Buffer.byteLength(text), 0);
  const parts = paths.map(partOf).join(" ");
  const script = `
set -e
umask 077
mkdir -p ${to}
cd ${to}
part=./.sesta-put-${nonce}
mkdir -p "$part/new"${inner.map((folder) => ` ${quotePath(folder)} ${partOf(folder)}`).join("")}
trap 'rm -rf "$part"' 0
cat >"$part/all"
[ "$(wc -c <"$part/all")" -eq ${Buffer.byteLength(input)} ] || { echo "not all of it arrived" >&2; exit 1; }
for path in ${paths.map(quotePath).join(" ")}; do
  [ ! -d "$path" ] || { echo "$path is a folder" >&2; exit 1; }
done
LC_ALL=C awk -v mark="${nonce} " -v folder="$part/new/" '${cut}' "$part/all"
[ "$(cat ${parts} | wc -c)" -eq ${sum} ] || { echo "not all of it could be written" >&2; exit 1; }
sync ${parts} 2>/dev/null || :
${[...folders].map(([folder, inside]) => `mv -f ${inside.map(partOf).join(" ")} ${quotePath(folder)}/`).join("\n")}
rm -rf "$part"
trap - 0
set +e
`;
  return { script, input };
}

// `print` alone: some awk have a limit for what printf may make.
const cut = `BEGIN { ORS = "" }
index($0, mark) == 1 { if (file != "") close(file); file = folder substr($0, length(mark) + 1); lines = 0; next }
{ if (lines++) print "\\n" >file; print $0 >file }`;

function partOf(path: string): string {
  return `"$part/new/"${quotePath(path)}`;
}
