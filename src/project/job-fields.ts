// The values of a job's section that no other section has.
import { posix } from "node:path";
import { z } from "zod";
import { isCondaFile } from "../model/mlproject.ts";
import { envNamePattern, findSecretName } from "../model/secret.ts";
import type { DataSource, EnvValue, JobPython } from "../model/project.ts";
import { field, innerPath, isLine, pythonVersions, Refusal, type About } from "./fields.ts";
import { findInnerPath } from "./inner-path.ts";
import { packageProblem } from "./package-spec.ts";
import { suggest } from "./suggest.ts";
import { oneOf, quote } from "./wording.ts";

const archive = /\.(?:tar|tar\.gz|tgz|tar\.bz2|tbz2?|tar\.xz|txz|zip)$/i;

/** Names of Debian (policy 5.6.7) and Fedora, with a version where one is asked for. A minus at its end is apt-get(8)'s. */
export function systemPackage(about: About) {
  const check = (input: unknown): string | Refusal => {
    const expected = "a package of the system like docker.io";
    if (typeof input === "string" && input.endsWith("-"))
      return new Refusal(expected, "a minus at the end would remove it");
    return typeof input === "string" &&
      /^[A-Za-z0-9][A-Za-z0-9+._-]{0,100}(?:=[A-Za-z0-9.+:~-]{1,100})?$/.test(input)
      ? input
      : new Refusal(expected, "Python packages go under `python`");
  };
  return field(check, { type: "string", shown: "system package", ...about });
}

/** @param isBranch whether a text could be the name of a branch or tag */
export function gitReference(isBranch: (text: string) => boolean, about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && isBranch(input)
      ? input
      : new Refusal("a branch, tag or commit like main", typeof input === "number" ? "put it in quotes" : "");
  return field(check, { type: "string", shown: "git reference", ...about });
}

export function wholeNumber(minimum: number, maximum: number, about: About) {
  const check = (input: unknown): number | Refusal =>
    typeof input === "number" && Number.isInteger(input) && input >= minimum && input <= maximum
      ? input
      : new Refusal(`a whole number from ${minimum} to ${maximum}`);
  return field(check, { type: "integer", minimum, maximum, shown: "number", ...about });
}

export function gpus(about: About) {
  const check = (input: unknown): number | "all" | Refusal => {
    if (input === "all") return input;
    return typeof input === "number" && Number.isInteger(input) && input >= 1 && input <= 64
      ? input
      : new Refusal("a number of GPUs like 1, or all");
  };
  return field<number | "all">(check, { shown: "number or `all`", ...about });
}

/** Of paths: `*` and `?` stand for parts of one name, nothing else is special. */
export function globPatterns(about: About) {
  const check = (input: unknown): string | Refusal =>
    (typeof input === "string" ? findInnerPath(input) : undefined) ??
    new Refusal("a path or pattern like output/ or *.csv, inside the run's folder");
  const one = field(check, {
    type: "string",
    shown: "pattern",
    description: "A path, or a pattern of paths.",
  });
  return z
    .array(one)
    .max(500)
    .meta({ shown: "list of patterns", default: [], ...about });
}

export function envMapping(about: About) {
  const value = field(
    (input: unknown): EnvValue | Refusal => {
      if (typeof input === "number" || typeof input === "boolean") return { text: String(input) };
      if (typeof input !== "string" || input.includes("\0"))
        return new Refusal("text, a number, true or false");
      const secret = findSecretName(input);
      if (secret !== undefined) return { secret };
      if (input.includes("${secret.") || input.includes("${env."))
        return new Refusal("text, or one reference like ${secret.token} alone");
      return { text: input };
    },
    { shown: "text or `${secret.NAME}`", description: "Text, or a reference to a secret." },
  );
  return z.record(z.string(), value).meta({
    propertyNames: { pattern: envNamePattern.source },
    ...about,
  });
}

/** A requirements file, a list of packages, or a mapping of both and a version. */
export function jobPython(about: About, check: typeof checkJobPython = checkPipPython) {
  return field(check, { shown: "path, list of packages, or mapping", ...about });
}

export function checkJobPython(input: unknown): JobPython | Refusal {
  if (typeof input === "string") return resolvePython({ requirements: input });
  if (Array.isArray(input)) return resolvePython({ packages: input });
  if (typeof input !== "object" || input === null)
    return new Refusal("a requirements file, or a list of packages like [numpy]");
  return findUnknownKey(input, ["packages", "requirements", "version"]) ?? resolvePython(input);
}

/** Where nothing but a job reads conda's files. */
export function checkPipPython(input: unknown): JobPython | Refusal {
  const python = checkJobPython(input);
  return !(python instanceof Refusal) && isCondaFile(python.requirements)
    ? new Refusal("a requirements file, or a list of packages like [numpy]", "only a job reads conda's files")
    : python;
}

function resolvePython({
  packages = [],
  requirements,
  version,
}: {
  packages?: unknown;
  requirements?: unknown;
  version?: unknown;
}): JobPython | Refusal {
  if (!Array.isArray(packages) || packages.length > 500)
    return new Refusal("packages: a list like [numpy, torch==2.6]");
  for (const text of packages as unknown[]) {
    const problem = typeof text === "string" ? packageProblem(text) : { expected: "a package like numpy" };
    if (problem) return new Refusal(problem.expected, problem.help);
  }
  const file = typeof requirements === "string" ? findInnerPath(requirements) : undefined;
  if (requirements !== undefined && (file === undefined || file === "."))
    return new Refusal("a requirements file inside the sources, or a list of packages like [numpy]");
  const known = pythonVersions.find((one) => one === String(version));
  if (version !== undefined && known === undefined)
    return new Refusal(`version: one of "${pythonVersions.join('", "')}"`);
  return {
    packages: packages.map((text) => String(text).trim()),
    ...(file !== undefined && { requirements: file }),
    ...(known !== undefined && { version: known }),
  };
}

/** Of a mapping that is read in one go. */
export function findUnknownKey(mapping: object, known: readonly string[]): Refusal | undefined {
  const strange = Object.keys(mapping).find((key) => !known.includes(key));
  if (strange === undefined) return undefined;
  return new Refusal(
    `a mapping of ${oneOf(known)}`,
    `unknown key ${quote(strange)}${suggest(strange, known)}`,
  );
}

const imageName = /^[a-z0-9][A-Za-z0-9._:/@-]{0,254}$/;

export function image(expected: string, about: About) {
  const check = (input: unknown): string | Refusal =>
    typeof input === "string" && imageName.test(input) ? input : new Refusal(expected);
  return field(check, { type: "string", shown: "image", ...about });
}

/** The message of the issue that a container has none or both of its ways. */
export const oneContainer = "one-container";

export const container = z
  .strictObject({
    image: image("an image like pytorch/pytorch:2.6.0", {
      description: "The image; it is pulled where the machine does not have it.",
      examples: ["pytorch/pytorch:2.6.0"],
    }).optional(),
    build: innerPath("the path of a folder", {
      description: "The folder in the sources that the image is built from; `.` is all of them.",
      examples: ["."],
    }).optional(),
    file: innerPath("the path of a Dockerfile", {
      description: "The Dockerfile; `Dockerfile` in the `build` folder without it.",
      examples: ["Dockerfile"],
    }).optional(),
    tag: image("a tag like dist_dcgan", {
      description: "What the built image is called; without it the job's name.",
      examples: ["dist_dcgan"],
    }).optional(),
  })
  .refine((value) => (value.image === undefined) !== (value.build === undefined), { error: oneContainer })
  .meta({
    title: "Container",
    description:
      "The container that it runs in: an `image`, or `build`. Docker or Podman, whichever answers.",
  });

export function dataSource(about: About) {
  return field(readSource, { shown: "path, address or mapping", ...about });
}

/** Where a run finds a source of data, as the file has it; undefined for one that is none. */
export function findDataPlace(input: unknown): string | undefined {
  const source = readSource(input);
  return source instanceof Refusal ? undefined : source.to;
}

function readSource(input: unknown): DataSource | Refusal {
  if (typeof input !== "object" || input === null || Array.isArray(input))
    return resolveSource({ from: input });
  return findUnknownKey(input, ["from", "to", "unpack", "sha256"]) ?? resolveSource(input);
}

function resolveSource(given: {
  from?: unknown;
  to?: unknown;
  unpack?: unknown;
  sha256?: unknown;
}): DataSource | Refusal {
  const { from, to, unpack, sha256 } = given;
  if (typeof from !== "string" || !isLine(from)) return new Refusal("a path like data/, or an https address");
  if (unpack !== undefined && typeof unpack !== "boolean") return new Refusal("unpack: true or false");
  const isUrl = /^[a-z+]+:\/\//i.test(from);
  if (isUrl && !/^https?:\/\/[A-Za-z0-9[][A-Za-z0-9.:[\]-]*(?:\/[^\s\\]*)?$/.test(from))
    return new Refusal("an address that begins with https://, without a user or password");
  const path = isUrl ? undefined : findInnerPath(from);
  if (!isUrl && (path === undefined || path === "."))
    return new Refusal("a path inside the project's folder, or an https address");
  if (sha256 !== undefined && (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/i.test(sha256)))
    return new Refusal("sha256: 64 hexadecimal digits");
  const name = isUrl ? posix.basename(new URL(from).pathname) : (path ?? "");
  const unpacks = unpack ?? archive.test(name);
  const place = to === undefined ? (unpacks ? name.replace(archive, "") : name) : to;
  const inner = typeof place === "string" ? findInnerPath(place) : undefined;
  if (inner === undefined || inner === ".") return new Refusal("to: a path inside the run's folder");
  return {
    from: path ?? from,
    kind: isUrl ? "url" : "path",
    to: inner,
    unpack: unpacks,
    ...(typeof sha256 === "string" && { sha256: sha256.toLowerCase() }),
  };
}
