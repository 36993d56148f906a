// What the keys of a job say about each other, and about its target.
import { parseRepository, tokenProblem } from "../model/repository.ts";
import { findDataPlace } from "./job-fields.ts";
import { findInnerPath, overlaps } from "./inner-path.ts";
import { findLocated, findNamed, getKeyOffset, getOffset, valueAt } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { suggest } from "./suggest.ts";
import { parameterName } from "./mlproject-fields.ts";
import { quote } from "./wording.ts";

export function findJobs(root: Located): string[] {
  return findNamed(root, "job");
}

export function checkJobs(root: Located, jobs: readonly string[]): Finding[] {
  return jobs.flatMap((name) => [
    ...checkRepository(root, name),
    ...checkTracker(root, ["workloads", name, "tracker"]),
    ...checkPython(root, name),
    ...checkProject(root, name),
    ...checkNodes(root, name),
    ...checkPlaybook(root, name),
    ...checkInto(root, name),
    ...checkStdout(root, name),
    ...checkData(root, name),
    ...checkEnvNames(root, ["workloads", name, "env"]),
  ]);
}

function checkTracker(root: Located, path: Path): Finding[] {
  const name = valueAt(root, path);
  const trackers = findNamed(root, "tracker");
  if (typeof name !== "string" || trackers.includes(name)) return [];
  const help = suggest(name, trackers) || "; `workloads:` has none with `type: tracker`";
  return [{ at: getOffset(root, path), message: `unknown tracker ${quote(name)}${help}` }];
}

function checkRepository(root: Located, name: string): Finding[] {
  const path = ["workloads", name];
  const text = valueAt(root, [...path, "repo"]);
  const repository = typeof text === "string" ? parseRepository(text) : undefined;
  if (text === undefined)
    return ["ref", "token"].flatMap((key) =>
      valueAt(root, [...path, key]) === undefined
        ? []
        : [{ at: getKeyOffset(root, [...path, key]), message: `${quote(key)} goes with \`repo\`` }],
    );
  if (!repository || !("kind" in repository) || valueAt(root, [...path, "token"]) === undefined) return [];
  const message = tokenProblem(repository);
  return message === undefined ? [] : [{ at: getOffset(root, [...path, "token"]), message }];
}

/** What runs in a container has the Python of its image. */
function checkPython(root: Located, name: string): Finding[] {
  const path = ["workloads", name];
  if (valueAt(root, [...path, "python"]) === undefined || valueAt(root, [...path, "container"]) === undefined)
    return [];
  const message = "`python` does not reach into a container: install the packages in its Dockerfile";
  return [{ at: getKeyOffset(root, [...path, "python"]), message }];
}

function checkProject(root: Located, name: string): Finding[] {
  const path = ["workloads", name];
  const has = (key: string) => valueAt(root, [...path, key]) !== undefined;
  const at = (key: string) => getKeyOffset(root, [...path, key]);
  if (!has("project"))
    return ["entry", "parameters"].flatMap((key) =>
      has(key) ? [{ at: at(key), message: `${quote(key)} goes with \`project\`` }] : [],
    );
  const names = [...(findLocated(root, [...path, "parameters"])?.children.keys() ?? [])].map(String);
  const message = "`project` takes the place of `run`: only one of them can be there";
  return [
    ...(has("run") ? [{ at: at("project"), message }] : []),
    ...names.flatMap((key) => {
      const expected = `expected the name of a parameter like alpha, got ${quote(key)}`;
      const where = getKeyOffset(root, [...path, "parameters", key]);
      return parameterName.test(key) ? [] : [{ at: where, message: expected }];
    }),
  ];
}

function checkNodes(root: Located, name: string): Finding[] {
  const path = ["workloads", name, "nodes"];
  const nodes = valueAt(root, path);
  if (typeof nodes !== "number" || nodes < 2) return [];
  const target = valueAt(root, ["workloads", name, "target"]) ?? valueAt(root, ["target"]) ?? "local";
  const hosts = typeof target === "string" ? valueAt(root, ["targets", target, "hosts"]) : undefined;
  const count = Array.isArray(hosts) ? hosts.length : 1;
  if (count >= nodes) return [];
  const message = `${nodes} nodes need as many machines; target ${quote(String(target))} has ${count}`;
  return [{ at: getOffset(root, path), message }];
}

function checkPlaybook(root: Located, name: string): Finding[] {
  const path = ["workloads", name];
  if (
    valueAt(root, [...path, "inventory"]) === undefined ||
    valueAt(root, [...path, "playbook"]) !== undefined
  )
    return [];
  return [{ at: getKeyOffset(root, [...path, "inventory"]), message: "`inventory` goes with `playbook`" }];
}

/** What comes home must not land in what Sesta keeps. */
function checkInto(root: Located, name: string): Finding[] {
  const path = ["workloads", name, "into"];
  const text = valueAt(root, path);
  const folder = typeof text === "string" ? findInnerPath(text) : undefined;
  if (folder === undefined) return [];
  const own = [".sesta", ".git"].find((other) => folder !== "." && overlaps(folder, other));
  if (own !== undefined) return [{ at: getOffset(root, path), message: `outputs cannot go into ${own}` }];
  if (overlaps(folder, "sesta.yaml") && folder !== ".")
    return [{ at: getOffset(root, path), message: "outputs need a folder" }];
  return [];
}

function checkStdout(root: Located, name: string): Finding[] {
  const path = ["workloads", name, "stdout"];
  const text = valueAt(root, path);
  if (typeof text !== "string" || findInnerPath(text) !== ".") return [];
  return [{ at: getOffset(root, path), message: "standard output needs the path of a file" }];
}

/** In the run's folder each has a place of its own: one in another would take it away. */
function checkData(root: Located, name: string): Finding[] {
  const path = ["workloads", name, "data"];
  const sources = valueAt(root, path);
  if (!Array.isArray(sources)) return [];
  const places = sources.map(findDataPlace);
  const stdout = valueAt(root, ["workloads", name, "stdout"]);
  const file = typeof stdout === "string" ? findInnerPath(stdout) : undefined;
  return places.flatMap((place, at): Finding[] => {
    if (place === undefined) return [];
    const other = [...places.slice(0, at), file].find(
      (one) => one !== undefined && (`${one}/`.startsWith(`${place}/`) || place.startsWith(`${one}/`)),
    );
    if (other === undefined) return [];
    const message = `${quote(place)} and ${quote(other)} cannot be in one another in the run's folder`;
    return [{ at: getOffset(root, [...path, at]), message }];
  });
}

/** They belong to Sesta's own wiring of a run. */
const ownVariables = /^(?:SESTA_.*|GIT_ASKPASS)$/;

export function checkEnvNames(root: Located, path: Path): Finding[] {
  return [...(findLocated(root, path)?.children.keys() ?? [])].flatMap((key): Finding[] => {
    const at = getKeyOffset(root, [...path, key]);
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(String(key)))
      return [{ at, message: `expected the name of a variable like EPOCHS, got ${quote(String(key))}` }];
    return ownVariables.test(String(key))
      ? [{ at, message: `${quote(String(key))} cannot be set here` }]
      : [];
  });
}
