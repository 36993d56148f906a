// Logins of registries: by secret, of Amazon ECR by the AWS account, else as the engine on the machine has them.
import { protect } from "../../../base/redact.ts";
import { SestaError } from "../../../base/errors.ts";
import { runScript, type Host } from "../../../machine/host.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { PushTarget } from "../../../model/pipeline.ts";
import { getEcrPassword } from "./ecr.ts";
import type { PushPlace } from "./place.ts";

export type Login = {
  /** For people: the user's name. */
  who: string;
  /** Base64 of `NAME:PASSWORD`. */
  auth: string;
};

type EngineConfig = {
  auths?: Record<string, { auth?: string; identitytoken?: string }>;
  credsStore?: string;
  credHelpers?: Record<string, string>;
};

const hubKey = "https://index.docker.io/v1/";

/** @param here whose AWS credentials are used. @throws SestaError COMMAND_MISSING, PUSH_FAILED */
export async function findLogin(
  here: Machine,
  host: Host,
  { registry, password }: PushTarget,
  place: PushPlace,
): Promise<Login | null> {
  if (registry?.type === "ecr") return encode("AWS", await getEcrPassword(here, registry));
  const username = registry?.type === "login" ? registry.username : undefined;
  if (username !== undefined && password !== null) return encode(username, password);
  return findEngineLogin(host, place);
}

/** What both engines read, of this one registry. */
export function buildLoginFile({ host }: PushPlace, login: Login | null): string {
  const keys = host === "docker.io" ? [host, hubKey] : [host];
  const auths = login ? Object.fromEntries(keys.map((key) => [key, { auth: login.auth }])) : {};
  return `${JSON.stringify({ auths })}\n`;
}

async function findEngineLogin(host: Host, place: PushPlace): Promise<Login | null> {
  const { stdout } = await runScript(host, "push.sh", ["logins"]);
  const keys = listKeys(place);
  for (const line of stdout.split("\n")) {
    const config = parse(line);
    for (const key of keys) {
      const helper = config.credHelpers?.[key] ?? config.credsStore;
      const entry = config.auths?.[key];
      if (entry?.identitytoken !== undefined) throw unusable(place.host);
      if (entry?.auth !== undefined && entry.auth !== "") return decode(entry.auth);
      if (helper === undefined || !/^[\w.-]+$/.test(helper)) continue;
      const found = await askHelper(host.machine, helper, key);
      if (found?.who === "<token>") throw unusable(place.host);
      if (found) return found;
    }
  }
  return null;
}

/** The narrowest first (containers-auth.json(5)). */
function listKeys({ host, repository }: PushPlace): string[] {
  const parts = repository.split("/");
  const paths = parts.map((_, index) => [host, ...parts.slice(0, parts.length - index)].join("/"));
  return [...paths, host, ...(host === "docker.io" ? [hubKey] : [])];
}

/** docker-credential-helpers: the key on standard input, JSON on standard output. */
async function askHelper(machine: Machine, helper: string, key: string): Promise<Login | null> {
  const argv = [`docker-credential-${helper}`, "get"] as const;
  const said = await machine.run(argv, { input: key, timeoutMs: 30_000 }).catch(() => undefined);
  if (said?.exitCode !== 0) return null;
  const { Username, Secret } = JSON.parse(said.stdout) as { Username?: string; Secret?: string };
  return Username === undefined || Secret === undefined ? null : encode(Username, Secret);
}

function parse(line: string): EngineConfig {
  try {
    return JSON.parse(line) as EngineConfig;
  } catch {
    return {};
  }
}

function encode(who: string, password: string): Login {
  const auth = Buffer.from(`${who}:${password}`).toString("base64");
  protect(password);
  protect(auth);
  return { who, auth };
}

function decode(auth: string): Login {
  const [who = "", ...password] = Buffer.from(auth, "base64").toString("utf8").split(":");
  return encode(who, password.join(":"));
}

function unusable(host: string): SestaError {
  return new SestaError("PUSH_FAILED", `has a login on the machine that only its own tool can use`, {
    where: host,
    hint: "Give `username` and `password` under `registries:`.",
  });
}
