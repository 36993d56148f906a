// What pipelines and registries say about each other and about the rest of the file.
import { compareDecimals, isDecimal } from "../model/decimal.ts";
import { checkEnvNames } from "./check-jobs.ts";
import { checkNeeds } from "./check-needs.ts";
import { checkSecret, namesIn } from "./check-references.ts";
import { findInnerPath, overlaps } from "./inner-path.ts";
import { findLocated, getKeyOffset, getOffset, valueAt } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { suggest } from "./suggest.ts";
import { quote } from "./wording.ts";

export function checkPipelines(root: Located): Finding[] {
  const stages = listPipelines(root).flatMap((pipeline) => listStages(root, pipeline));
  return [
    ...namesIn(root, "registries").flatMap((name) => checkRegistry(root, ["registries", name])),
    ...listPipelines(root).flatMap((pipeline) => checkNeeds(root, ["pipelines", pipeline])),
    ...stages.flatMap((path) => [
      ...checkService(root, path),
      ...checkKind(root, path),
      ...checkPush(root, path),
      ...checkEnvNames(root, [...path, "env"]),
      ...[...(findLocated(root, [...path, "env"])?.children.keys() ?? [])].flatMap((key) =>
        checkSecret(root, [...path, "env", key]),
      ),
      ...checkRequirements(root, path),
      ...checkOutputs(root, path),
      ...checkMetric(root, [...path, "metric"]),
    ]),
  ];
}

function listPipelines(root: Located): string[] {
  return namesIn(root, "pipelines");
}

function listStages(root: Located, pipeline: string): Path[] {
  const names = [...(findLocated(root, ["pipelines", pipeline])?.children.keys() ?? [])];
  return names.map((name) => ["pipelines", pipeline, name]);
}

/** The workload that a stage builds, deploys or destroys. */
function checkService(root: Located, path: Path): Finding[] {
  return ["build", "deploy", "destroy"].flatMap((key): Finding[] => {
    const name = valueAt(root, [...path, key]);
    if (typeof name !== "string") return [];
    const declared = namesIn(root, "workloads");
    const at = getOffset(root, [...path, key]);
    if (!declared.includes(name)) {
      const help = suggest(name, declared) || "; `workloads:` does not declare it";
      return [{ at, message: `unknown service ${quote(name)}${help}` }];
    }
    const type = valueAt(root, ["workloads", name, "type"]);
    return typeof type === "string" && type !== "service"
      ? [{ at, message: `${quote(name)} is a ${type}; \`${key}\` needs a service` }]
      : [];
  });
}

/** Only a command has an environment, outputs and figures; only a build is pushed. */
function checkKind(root: Located, path: Path): Finding[] {
  const ofRun = ["requirements", "python", "env", "outputs", "metric", "junit"];
  const goesWith = (keys: readonly string[], with_: string): Finding[] =>
    valueAt(root, [...path, with_]) !== undefined
      ? []
      : keys.flatMap((key) =>
          valueAt(root, [...path, key]) === undefined
            ? []
            : [
                {
                  at: getKeyOffset(root, [...path, key]),
                  message: `${quote(key)} goes with \`${with_}\``,
                },
              ],
        );
  return [...goesWith(ofRun, "run"), ...goesWith(["push"], "build")];
}

function checkPush(root: Located, path: Path): Finding[] {
  const given = findLocated(root, [...path, "push"]);
  if (!given) return [];
  const entries = given.children.size > 0 ? [...given.children.values()] : [given];
  const declared = namesIn(root, "registries");
  return entries.flatMap(({ value, at }): Finding[] => {
    if (typeof value !== "string" || value.includes("/") || declared.includes(value)) return [];
    const help = suggest(value, declared) || "; `registries:` does not declare it";
    return [{ at, message: `unknown registry ${quote(value)}${help}` }];
  });
}

function checkRequirements(root: Located, path: Path): Finding[] {
  const python = valueAt(root, [...path, "python"]);
  const named =
    (typeof python === "string" && !/^3\.\d+$/.test(python)) ||
    (typeof python === "object" && python !== null && "requirements" in python);
  if (valueAt(root, [...path, "requirements"]) === undefined || !named) return [];
  return [
    {
      at: getKeyOffset(root, [...path, "requirements"]),
      message: "`requirements` and `python` both name a requirements file",
    },
  ];
}

function checkOutputs(root: Located, path: Path): Finding[] {
  return [...(findLocated(root, [...path, "outputs"])?.children.values() ?? [])].flatMap(({ value, at }) => {
    const output = typeof value === "string" ? findInnerPath(value) : undefined;
    if (output === undefined) return [];
    if (output === ".") return [{ at, message: "outputs are files and folders in the tree, not all of it" }];
    return [".git", ".sesta"].some((own) => overlaps(output, own))
      ? [{ at, message: `${quote(output)} cannot be handed on` }]
      : [];
  });
}

function checkMetric(root: Located, path: Path): Finding[] {
  if (valueAt(root, [...path, "key"]) !== undefined && valueAt(root, [...path, "json"]) === undefined)
    return [{ at: getKeyOffset(root, [...path, "key"]), message: "`key` goes with `json`" }];
  const bounds = (["min", "max"] as const).flatMap((key) => {
    const found = findLocated(root, [...path, key]);
    return found ? [{ key, found, text: String(found.value) }] : [];
  });
  const lost = bounds.flatMap(({ found: { at, value, source }, text }) =>
    typeof value === "number" &&
    source !== undefined &&
    isDecimal(source) &&
    isDecimal(text) &&
    compareDecimals(source, text) !== 0
      ? [{ at, message: `YAML reads ${source} as ${text}: put it in quotes to keep its digits` }]
      : [],
  );
  const [min, max] = bounds;
  if (lost.length > 0 || !min || !max || !isDecimal(min.text) || !isDecimal(max.text)) return lost;
  return compareDecimals(min.text, max.text) > 0
    ? [{ at: min.found.at, message: `min ${min.text} is more than max ${max.text}` }]
    : [];
}

function checkRegistry(root: Located, path: Path): Finding[] {
  const has = (key: string) => valueAt(root, [...path, key]) !== undefined;
  const isEcr = valueAt(root, [...path, "type"]) === "ecr";
  const wanted = isEcr ? "region" : "host";
  const foreign = isEcr ? ["host", "username", "password", "insecure"] : ["region", "account", "profile"];
  const missing = has(wanted)
    ? []
    : [{ at: getKeyOffset(root, path), message: `missing key ${quote(wanted)} in ${path.join(".")}` }];
  const wrong = foreign.filter(has).map((key) => ({
    at: getKeyOffset(root, [...path, key]),
    message: isEcr ? `${quote(key)} does not go with \`type: ecr\`` : `${quote(key)} goes with \`type: ecr\``,
  }));
  const alone = has("password") && !has("username") && !isEcr;
  return [
    ...missing,
    ...wrong,
    ...(alone
      ? [{ at: getKeyOffset(root, [...path, "password"]), message: "`password` goes with `username`" }]
      : []),
    ...checkSecret(root, [...path, "password"]),
  ];
}
