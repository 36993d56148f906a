// One dependency as conda writes it, in the words of PyPI.
import { quote } from "./wording.ts";
import names from "./conda-names.json" with { type: "json" };

export type Translated =
  /** A version or a range of them, as uv takes it; undefined for any. */
  | { kind: "python"; version: string | undefined }
  /** A requirement (PEP 508). @property lost what of it has no meaning there */
  | { kind: "package"; requirement: string; lost?: string }
  /** It cannot be had. @property why in words */
  | { kind: "left"; why: string };

type Renamed = Readonly<Record<string, string>>;
const renamed: Renamed = names.renamed;
const families = new RegExp(names.families);
const shape = /^(?:([^\s:]+)::)?([A-Za-z0-9_][A-Za-z0-9._-]*)\s*(\S.*)?$/;

/** The forms of conda's MatchSpec that environment files use: `numpy`, `numpy=1.26`, `numpy >=1.2,<2`, `numpy=1.26=py310_0`. */
export function translateSpec(text: string): Translated {
  const spec = text.trim();
  const [, channel, given = "", rest = ""] = shape.exec(spec) ?? [];
  const name = given.toLowerCase();
  const shown = quote(spec).slice(1, -1);
  if (given === "" || spec.includes("://")) return { kind: "left", why: `${shown} (not a plain package)` };
  if (channel !== undefined && !isOpenChannel(channel))
    return { kind: "left", why: `${shown} (of a channel that only conda reads)` };
  if (names.elsewhere.includes(name) || families.test(name)) return { kind: "left", why: shown };
  const { version, build } = splitBuild(rest);
  const clauses = version === "" ? [] : version.split(",").map(translateClause);
  if (clauses.includes(undefined)) return { kind: "left", why: `${shown} (its version has no form on PyPI)` };
  const range = clauses.join(",");
  if (name === "python") return { kind: "python", version: plainVersion(range) };
  const own = Object.hasOwn(renamed, name) ? renamed[name] : given;
  const lost = build === undefined ? {} : { lost: `the build of ${shown}` };
  return { kind: "package", requirement: `${own ?? given}${range}`, ...lost };
}

/** One whose packages are those of PyPI. `conda-forge/linux-64` is a part of one. */
function isOpenChannel(channel: string): boolean {
  return names.channels.includes(channel) || names.channels.includes(channel.replace(/\/[^/]*$/, ""));
}

/** `=1.26=py310_0`, `1.26 py310_0`: the last part says which build of the version. */
function splitBuild(rest: string): { version: string; build?: string } {
  const tight = rest.trim().replace(/\s*([=<>!~,|]+)\s*/g, "$1");
  const [, version, build] = /^(.*?[\w.*+])(?:=|\s+)([^=<>!~,|\s]+)$/.exec(tight) ?? [];
  if (version === undefined || build === undefined) return { version: tight };
  return build === "*" ? { version } : { version, build };
}

/** Undefined where PEP 440 has no such thing. One `=` is fuzzy in conda, a bare number exact. */
function translateClause(clause: string): string | undefined {
  const [, operator = "", number = ""] = /^(===?|[<>!~]=|[<>=])?([^\s=<>!~,|]+)$/.exec(clause) ?? [];
  if (number === "*" && operator.length < 2) return ">=0";
  const [, plain, star] = /^(\d+(?:\.\d+)*(?:\.?(?:a|b|rc|post|dev)\d+)?)(\.?\*)?$/.exec(number) ?? [];
  if (plain === undefined) return undefined;
  const isRelease = /^[\d.]+$/.test(plain);
  if (star !== undefined && !isRelease) return undefined;
  if (operator === "" || operator === "==") return `==${plain}${star === undefined ? "" : ".*"}`;
  if (operator === "=") return isRelease ? `==${plain}.*` : `==${plain}`;
  if (operator === "!=") return `!=${plain}${star === undefined ? "" : ".*"}`;
  if (operator === "~=") return plain.includes(".") ? `~=${plain}` : undefined;
  return operator === "===" ? undefined : `${operator}${plain}`;
}

/** uv takes 3.10 for every version that begins so. */
function plainVersion(range: string): string | undefined {
  const [, exact] = /^==([\d.]+?)(?:\.\*)?$/.exec(range) ?? [];
  return exact ?? (range === "" ? undefined : range);
}
