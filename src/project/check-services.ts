// What the keys of a service say about each other.
import { isLoopback } from "../base/loopback.ts";
import { getKeyOffset, getOffset, valueAt } from "./located.ts";
import type { Finding, Located, Path } from "./located.ts";
import { ofDomain } from "./resolve-service.ts";
import { quote } from "./wording.ts";

export function checkServices(root: Located, services: readonly string[]): Finding[] {
  return [
    ...services.flatMap((name) => [...checkGuard(root, name), ...checkKeys(root, name)]),
    ...checkDomains(root, services),
  ];
}

/** Domains share a port, but none has two services there. */
function checkDomains(root: Located, services: readonly string[]): Finding[] {
  const owners = new Map<string, string>();
  return services.flatMap((name) => {
    const path = ["workloads", name];
    const domain = valueAt(root, [...path, "domain"]);
    if (typeof domain !== "string") return [];
    const place = `${domain.toLowerCase()}:${String(valueAt(root, [...path, "port"]) ?? ofDomain.port)}`;
    const owner = owners.get(place);
    if (owner === undefined) owners.set(place, name);
    const message = `${place} belongs to ${quote(owner ?? name)} already`;
    return owner === undefined ? [] : [{ at: getOffset(root, [...path, "domain"]), message }];
  });
}

/** Nothing is open that was not asked for. */
function checkGuard(root: Located, name: string): Finding[] {
  const path = ["workloads", name];
  const of = (key: string) => valueAt(root, [...path, key]);
  const [host, auth] = [of("host"), of("auth")];
  const guarded = of("password") !== undefined;
  if (auth === "none" && guarded) {
    const message = "`password` guards nothing with `auth: none`: leave out one of them";
    return [{ at: getKeyOffset(root, [...path, "password"]), message }];
  }
  if (guarded || auth === "none") return [];
  if (auth === "token") {
    const message = "`auth: token` needs the token: `password: ${secret.NAME}`";
    return [{ at: getOffset(root, [...path, "auth"]), message }];
  }
  const domain = of("domain");
  const at = typeof host === "string" ? "host" : "domain";
  const open = at === "host" ? host : domain;
  if (typeof open !== "string" || (at === "host" && isLoopback(open))) return [];
  const message =
    `${quote(name)} would be open to other machines at ${quote(open)}: ` +
    "guard it with `password: ${secret.NAME}`, or accept it with `auth: none`";
  return [{ at: getOffset(root, [...path, at]), message }];
}

/** Keys that only go with one way to run it. */
function checkKeys(root: Located, name: string): Finding[] {
  const path = ["workloads", name];
  const has = (key: string) => valueAt(root, [...path, key]) !== undefined;
  const refuse = (key: string, when: boolean, message: string): Finding[] =>
    has(key) && when ? [{ at: getKeyOffset(root, [...path, key]), message }] : [];
  const inContainer = has("build") || has("image");
  return [
    ...refuse(
      "python",
      inContainer,
      "`python` does not reach into a container: install the packages in its Dockerfile",
    ),
    ...refuse("python", has("model"), "`python` goes with `command`: Sesta serves a model itself"),
    ...refuse(
      "app_port",
      !inContainer,
      "`app_port` goes with `build` or `image`: a process listens on $PORT",
    ),
    ...refuse("rows", !has("model"), "`rows` goes with `model`"),
    ...checkPort(root, [...path, "env", "PORT"]),
    ...checkCertificate(root, [...path, "certificate"], has("domain")),
  ];
}

function checkPort(root: Located, path: Path): Finding[] {
  if (valueAt(root, path) === undefined) return [];
  const message =
    "`PORT` is given to each replica, as each has a port of its own: `port` is where people reach them";
  return [{ at: getKeyOffset(root, path), message }];
}

/** Files, or a CA; and a CA vouches for a domain. */
function checkCertificate(root: Located, path: Path, hasDomain: boolean): Finding[] {
  const has = (key: string) => valueAt(root, [...path, key]) !== undefined;
  const refuse = (key: string, message: string): Finding[] =>
    has(key) ? [{ at: getKeyOffset(root, [...path, key]), message }] : [];
  const files = has("cert") || has("key");
  const ofCa = ["acme", "email", "port"] as const;
  if (files && has("cert") !== has("key"))
    return refuse(has("cert") ? "cert" : "key", "`cert` and `key` go together");
  if (files) return ofCa.flatMap((key) => refuse(key, `\`${key}\` goes without \`cert\` and \`key\``));
  if (hasDomain || valueAt(root, path) === undefined) return [];
  if (!ofCa.some(has))
    return [{ at: getKeyOffset(root, path), message: "`certificate` needs `cert` and `key`, or a `domain`" }];
  return ofCa.flatMap((key) => refuse(key, `\`${key}\` goes with \`domain: …\`, which it is for`));
}
