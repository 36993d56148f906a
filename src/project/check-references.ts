// What one part of the file says about another: secrets and targets that exist, ports and folders that do not meet.
import { isIPv4, isIPv6 } from "node:net";
import { findSecretName } from "../model/secret.ts";
import { findInnerPath, overlaps } from "./inner-path.ts";
import { laterTargetTypes } from "./later.ts";
import { isLoopback } from "../base/loopback.ts";
import { checkHosts } from "./check-hosts.ts";
import { checkJobs, findJobs } from "./check-jobs.ts";
import { checkPipelines } from "./check-pipelines.ts";
import { checkSaves } from "./check-saves.ts";
import { checkServices } from "./check-services.ts";
import { findLocated, findNamed, getOffset, valueAt } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { backupFolder } from "./resolve-tracker.ts";
import { suggest } from "./suggest.ts";
import { quote } from "./wording.ts";

export const defaultGatewayPort = 8470;

/**
 * Looks at the values as they stand, so that it finds its problems also beside those of the schema.
 * @param folder the project's, absolute
 */
export function checkReferences(root: Located, folder: string): Finding[] {
  const labs = findLabs(root);
  const jobs = findJobs(root);
  const services = findNamed(root, "service");
  const trackers = findNamed(root, "tracker");
  const served = [...labs, ...services, ...trackers];
  return [
    ...checkGateway(root),
    ...checkTarget(root, ["target"]),
    ...[...served, ...jobs].flatMap((name) => checkTarget(root, ["workloads", name, "target"])),
    ...served.flatMap((name) => checkSecret(root, ["workloads", name, "password"])),
    ...trackers.flatMap((name) => [
      ...checkSecret(root, ["workloads", name, "backup", "passphrase"]),
      ...checkSecret(root, ["workloads", name, "database", "url"]),
    ]),
    ...labs.flatMap((name) => checkSecret(root, ["workloads", name, "save", "token"])),
    ...jobs.flatMap((name) => checkSecret(root, ["workloads", name, "token"])),
    ...[...jobs, ...services, ...trackers].flatMap((name) =>
      findEnvPaths(root, name).flatMap((path) => checkSecret(root, path)),
    ),
    ...checkJobs(root, jobs),
    ...checkHosts(root),
    ...checkServices(root, services),
    ...checkPorts(root, served),
    ...checkWorkspaces(root, labs, trackers),
    ...checkSaves(root, labs, folder),
    ...checkPipelines(root),
  ];
}

export function findLabs(root: Located): string[] {
  return findNamed(root, "lab");
}

function findEnvPaths(root: Located, name: string): Path[] {
  const path = ["workloads", name, "env"];
  return [...(findLocated(root, path)?.children.keys() ?? [])].map((key) => [...path, key]);
}

function checkGateway(root: Located): Finding[] {
  const host = valueAt(root, ["gateway", "host"]);
  if (typeof host !== "string" || (!isIPv4(host) && !isIPv6(host))) return [];
  if (isLoopback(host) || valueAt(root, ["gateway", "insecure"]) === true) return [];
  const message =
    `the gateway would be open to other machines at ${quote(host)}, and passwords would cross the network in clear: ` +
    "use 127.0.0.1, or accept it with `insecure: true` (a domain with a certificate is not supported yet)";
  return [{ at: getOffset(root, ["gateway", "host"]), message }];
}

function checkTarget(root: Located, path: Path): Finding[] {
  const name = valueAt(root, path);
  if (typeof name !== "string") return [];
  const declared = namesIn(root, "targets");
  if (name === "local" || declared.includes(name)) return [];
  const at = getOffset(root, path);
  if (laterTargetTypes.includes(name))
    return [{ at, message: `target ${quote(name)} is not supported yet; this version has local and ssh` }];
  const help = suggest(name, ["local", ...declared]) || "; `targets:` does not declare it";
  return [{ at, message: `unknown target ${quote(name)}${help}` }];
}

export function checkSecret(root: Located, path: Path): Finding[] {
  const text = valueAt(root, path);
  const name = typeof text === "string" ? findSecretName(text) : undefined;
  const declared = namesIn(root, "secrets");
  if (name === undefined || declared.includes(name)) return [];
  const help = suggest(name, declared) || `; declare it: secrets: { ${name}: { env: NAME } }`;
  return [{ at: getOffset(root, path), message: `\`secrets:\` has no ${quote(name)}${help}` }];
}

function checkPorts(root: Located, labs: readonly string[]): Finding[] {
  const asked = valueAt(root, ["gateway", "port"]);
  const gatewayPort = asked ?? defaultGatewayPort;
  const owners = new Map<unknown, string>([
    [
      gatewayPort,
      asked === undefined ? "the gateway (its default; `gateway: { port: … }` changes it)" : "the gateway",
    ],
  ]);
  const shared = new Set<unknown>();
  return labs.flatMap((name) => {
    const port = valueAt(root, ["workloads", name, "port"]);
    if (typeof port !== "number") return [];
    const owner = owners.get(port);
    // Domains share a port.
    if (valueAt(root, ["workloads", name, "domain"]) !== undefined && shared.has(port)) return [];
    if (owner === undefined && valueAt(root, ["workloads", name, "domain"]) !== undefined) shared.add(port);
    if (owner === undefined) owners.set(port, quote(name));
    return owner === undefined
      ? []
      : [
          {
            at: getOffset(root, ["workloads", name, "port"]),
            message: `port ${port} belongs to ${owner} already`,
          },
        ];
  });
}

/** What no workspace may hold or lie in: Sesta's own folder, and git's, whose hooks are programs. */
const ownPaths = [".sesta", ".git"];

function checkWorkspaces(root: Located, labs: readonly string[], trackers: readonly string[]): Finding[] {
  const taken = new Map<string, string>();
  const folders = [
    ...labs.map((name) => ({ name, path: ["workloads", name, "workspace"], byDefault: name })),
    ...trackers.map((name) => ({
      name,
      path: ["workloads", name, "backup", "into"],
      byDefault: backupFolder(name),
    })),
  ];
  return folders.flatMap(({ name, path, byDefault }): Finding[] => {
    const asked = valueAt(root, path);
    const folder =
      asked === undefined ? byDefault : typeof asked === "string" ? findInnerPath(asked) : undefined;
    if (folder === undefined) return []; // the schema refuses it
    const at =
      asked === undefined ? (findLocated(root, ["workloads", name])?.keyAt ?? 0) : getOffset(root, path);
    if (folder === ".")
      return [{ at, message: "a workspace cannot be the project's folder itself: name a folder in it" }];
    const own = ownPaths.find((other) => overlaps(folder, other));
    if (own !== undefined) return [{ at, message: `a workspace cannot be in ${own}` }];
    if (overlaps(folder, "sesta.yaml")) return [{ at, message: "a workspace must be a folder" }];
    const other = [...taken].find(([one]) => overlaps(folder, one));
    taken.set(folder, name);
    if (!other) return [];
    return [
      {
        at,
        message: `the workspace ${quote(folder)} meets that of ${other[1]}, ${quote(other[0])}: give each its own folder`,
      },
    ];
  });
}

export function namesIn(root: Located, section: string): string[] {
  return [...(findLocated(root, [section])?.children.keys() ?? [])].filter(
    (name) => typeof name === "string",
  );
}
