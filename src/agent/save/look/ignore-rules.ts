// Which files of a workspace are saved. What stands higher decides:
//   1. `include` of the project file: saved, also inside a folder that is ignored; `!` takes back what it includes
//   2. a folder that is ignored: nothing beneath it is saved (gitignore(5)), nor are .gitignore files in it read
//   3. `exclude` of the project file, the last matching line; `!` saves what anything below ignores
//   4. the .gitignore files, the deepest first, in each the last matching line
//   5. the defaults below, and any folder that is a Python environment (`isEnvironment`)
// Nothing of the user's `.git` or git configuration is read, so info/exclude and core.excludesFile do not count.
import { parseIgnorePattern, type IgnorePattern } from "./ignore-pattern.ts";

/** How a folder was judged, and by which .gitignore files the paths in it are; the outermost first. */
export type Judged = {
  ignored: boolean;
  included: boolean;
  files: readonly { folder: string; patterns: readonly IgnorePattern[] }[];
};

export type IgnoreRules = ReturnType<typeof createIgnoreRules>;

/** The workspace itself. */
export const rootJudged: Judged = { ignored: false, included: false, files: [] };

export function createIgnoreRules(rule: { include: readonly string[]; exclude: readonly string[] }) {
  const include = parseIgnoreText(rule.include.join("\n"));
  const exclude = parseIgnoreText(rule.exclude.join("\n"));
  const named = new Set(
    rule.include
      .filter((line) => !/[*?[\\!#]/.test(line) && !line.endsWith("/"))
      .map((line) => line.replace(/^\//, "")),
  );

  function judge(path: string, isFolder: boolean, within: Judged): { ignored: boolean; included: boolean } {
    const included = decide(include, "", path, isFolder) ?? within.included;
    if (included) return { ignored: false, included };
    if (within.ignored) return { ignored: true, included };
    const ignored =
      decide(exclude, "", path, isFolder) ??
      within.files.reduceRight<boolean | undefined>(
        (found, { folder, patterns }) => found ?? decide(patterns, folder, path, isFolder),
        undefined,
      ) ??
      decide(defaults, "", path, isFolder) ??
      false;
    return { ignored, included };
  }

  return {
    judge,
    /** Whether something in the ignored folder could be included. */
    reaches: (folder: string): boolean => include.some((pattern) => reaches(pattern, folder)),
    /** The project file names this very path, without a wildcard. */
    names: (path: string): boolean => named.has(path),
  };
}

export function parseIgnoreText(text: string): IgnorePattern[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  return lines.map(parseIgnorePattern).filter((pattern) => pattern !== undefined);
}

/** A folder with one of these in it is a Python environment, whatever its name: made again, not saved. */
export function isEnvironment(names: readonly string[]): boolean {
  return names.includes("pyvenv.cfg") || names.includes("conda-meta");
}

const defaults = parseIgnoreText(
  `
.ipynb_checkpoints/
.virtual_documents/
.jupyter_ystore.db
.~*
__pycache__/
.cache/
.mypy_cache/
.pytest_cache/
.ruff_cache/
.hypothesis/
.tox/
.nox/
.venv/
venv/
node_modules/
.sesta/
.Trash-*/
lost+found/
.DS_Store
.nfs*
*.swp
`,
);

/** True: ignored (or, of `include`, included); false: taken back; undefined: nothing is said of it. */
function decide(
  patterns: readonly IgnorePattern[],
  folder: string,
  path: string,
  isFolder: boolean,
): boolean | undefined {
  const inner = folder === "" ? path : path.slice(folder.length + 1);
  const name = path.slice(path.lastIndexOf("/") + 1);
  for (let index = patterns.length - 1; index >= 0; index--) {
    const pattern = patterns[index];
    if (!pattern || (pattern.folderOnly && !isFolder)) continue;
    if (pattern.matches(pattern.anchored ? inner : name)) return !pattern.negated;
  }
  return undefined;
}

function reaches({ negated, anchored, segments }: IgnorePattern, folder: string): boolean {
  if (negated) return false;
  if (!anchored) return true;
  for (const [index, name] of folder.split("/").entries()) {
    const segment = segments[index];
    if (segment === null) return true;
    if (segment === undefined || !segment(name)) return false;
  }
  return segments.length > folder.split("/").length;
}
