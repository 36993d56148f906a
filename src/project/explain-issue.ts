// One zod issue as one sentence for a person, and where in the file it points.
import type { z } from "zod";
import { Refusal } from "./fields.ts";
import { isLaterKey, laterTargetTypes } from "./later.ts";
import { findLocated, getKeyOffset, getOffset, valueAt } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { isSecretPlace, placeName } from "./places.ts";
import { oneContainer } from "./job-fields.ts";
import { nothingToRun } from "./job-schema.ts";
import { oneSource, oneWork } from "./pipeline-schema.ts";
import { oneSignal } from "./save-schema.ts";
import { oneService } from "./service-schema.ts";
import { keysAt, oneReference } from "./schema.ts";
import { suggest } from "./suggest.ts";
import { describe, oneOf, quote } from "./wording.ts";

/** `root` is what the issues were found in. */
export function explainIssue(issue: z.core.$ZodIssue, root: Located): Finding[] {
  const path = issue.path.filter((step) => typeof step !== "symbol");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => explainKey(path, key, root));
  const here = findLocated(root, path);
  if (here === undefined) {
    const help = path.at(-1) === "type" ? `; expected type: ${oneOf(typesOf(path))}` : "";
    return [
      {
        at: getOffset(root, path),
        message: `missing key ${quote(String(path.at(-1)))}${placeName(path.slice(0, -1))}${help}`,
      },
    ];
  }
  if (issue.code === "invalid_union") return [{ at: here.at, message: explainType(path, here.value) }];
  const isOfKeys = [oneReference, oneSignal, oneContainer, oneWork, oneSource, oneService].includes(
    issue.message,
  );
  if (isOfKeys && hasUnknownKey(path, here)) return []; // said already
  return [{ at: here.at, message: explainValue(issue, path, here) }];
}

function explainKey(path: Path, key: string, root: Located): Finding {
  const at = getKeyOffset(root, [...path, key]);
  if (isLaterKey(path, key)) return { at, message: `${quote(key)}${placeName(path)} is not supported yet` };
  const name = isSecretPlace(path) ? "" : ` ${quote(key)}`;
  const known = keysAt(path, valueAt(root, [...path, "type"]));
  const help = suggest(key, known) || `; expected ${oneOf(known)}`;
  return { at, message: `unknown key${name}${placeName(path)}${help}` };
}

function hasUnknownKey(path: Path, here: Located): boolean {
  const known = keysAt(path, here.children.get("type")?.value);
  return [...here.children.keys()].some((key) => !known.includes(String(key)));
}

/** The types that this version has, of workloads or targets. */
function typesOf(path: Path): readonly string[] {
  return path[0] === "targets" ? ["local", "ssh"] : ["lab", "job", "service", "tracker"];
}

/** A `type` that this version does not know, of a workload or target. */
function explainType(path: Path, value: unknown): string {
  const known = typesOf(path);
  const later = path[0] === "targets" ? laterTargetTypes : [];
  if (typeof value !== "string") return `expected type: ${oneOf(known)}, got ${describe(value)}`;
  if (later.includes(value))
    return `type ${quote(value)} is not supported yet; this version has ${oneOf(known)}`;
  return `unknown type ${quote(value)}${suggest(value, [...known, ...later]) || `; expected ${oneOf(known)}`}`;
}

function explainValue(issue: z.core.$ZodIssue, path: Path, here: Located): string {
  const got = isSecretPlace(path) ? "" : `, got ${describe(here.value, here.source)}`;
  const refusal: unknown = issue.code === "custom" ? issue.params?.["refusal"] : undefined;
  if (refusal instanceof Refusal) {
    return `expected ${refusal.expected}${got}${refusal.help === "" ? "" : `; ${refusal.help}`}`;
  }
  if (path[0] === "secrets" && path.length === 2) {
    return 'expected one of { env: NAME }, { file: path } and { command: "…" }; a secret\'s value never stands in this file';
  }
  if (issue.message === oneContainer) return "expected exactly one of image and build";
  if (issue.message === oneService) return "expected exactly one of command, build, image and model";
  if (issue.message === nothingToRun)
    return "expected `run`, a command like python train.py, a `project` or a `playbook`";
  if (issue.message === oneWork) return "expected exactly one of run, build, deploy and destroy";
  if (issue.message === oneSource) return "expected exactly one of pattern and json";
  if (issue.message === oneSignal) return "expected at least one of cpu, gpu and command";
  if (issue.code === "invalid_type" && issue.expected === "array")
    return `expected a list like ${path.at(-1) === "packages" ? "[pandas, numpy]" : '[data/, "*.csv"]'}${got}`;
  if (issue.code === "too_big") return `expected at most ${issue.maximum} entries`;
  return `expected a mapping (lines of \`key: value\`)${got}`;
}
