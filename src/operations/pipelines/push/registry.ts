// One repository of a registry, as its machine reaches it: asked over HTTP with its login (OCI distribution).
import { createHash } from "node:crypto";
import { SestaError } from "../../../base/errors.ts";
import {
  buildCurlConfig,
  curlArgv,
  readAnswer,
  readBearerChallenge,
  readRefusal,
  type RegistryAnswer,
} from "../../../commands/registry-request.ts";
import type { Machine } from "../../../machine/machine.ts";
import type { Login } from "./logins.ts";
import type { PushPlace } from "./place.ts";

export type Manifest = { digest: string; type: string; body: string };

export type Registry = {
  /** Begins an upload and calls it off. @throws SestaError PUSH_FAILED with what it said */
  requireRoom(): Promise<void>;
  findManifest(reference: string): Promise<Manifest | undefined>;
  putManifest(tag: string, manifest: Manifest): Promise<void>;
};

/** One that takes the image, as far as it says. */
export type Ready = { place: PushPlace; registry: Registry };

type Ask = { method: string; url: string; headers?: Record<string, string>; body?: string };

const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

/** @throws SestaError PUSH_FAILED: it does not answer, or does not take the login */
export async function openRegistry(
  machine: Machine,
  place: PushPlace,
  login: Login | null,
): Promise<Registry> {
  const { host, repository, isPlain } = place;
  const send = (ask: Ask) => request(machine, { ...ask, isPlain });
  const server = host === "docker.io" ? "registry-1.docker.io" : host;
  const { base, answer } = await reach(send, server, isPlain);
  const challenge = answer.headers.get("www-authenticate") ?? "";
  const isAsked = answer.status === 401;
  if (!isAsked && answer.status !== 200) throw refusal("is no registry that answers", answer);
  const bearer = isAsked ? readBearerChallenge(challenge) : undefined;
  const basic = login ? { authorization: `Basic ${login.auth}` } : undefined;
  const fetchToken = () => askToken(send, bearer ?? new Map(), repository, basic, isPlain);
  let authorization = bearer ? await fetchToken() : isAsked ? basic?.authorization : undefined;
  const ask = async (one: Ask): Promise<RegistryAnswer> => {
    const withLogin = () =>
      send({ ...one, headers: { ...one.headers, ...(authorization !== undefined && { authorization }) } });
    const first = await withLogin();
    if (first.status !== 401 || !bearer) return first;
    authorization = await fetchToken(); // a long push outlives its token
    return withLogin();
  };
  if (isAsked) {
    const again = await ask({ method: "GET", url: `${base}/v2/` });
    if (again.status === 401)
      throw refusal(login ? `refuses the login of ${login.who}` : "wants a login", again);
  }
  const own = `${base}/v2/${repository}`;
  return {
    async requireRoom() {
      const begun = await ask({ method: "POST", url: `${own}/blobs/uploads/`, body: "" });
      if (begun.status !== 202) throw refusal(`takes nothing into ${repository}`, begun);
      const location = begun.headers.get("location");
      // Not every registry can call it off; all forget it after a while.
      if (location !== undefined)
        await ask({ method: "DELETE", url: new URL(location, own).href }).catch(() => undefined);
    },
    async findManifest(reference) {
      const url = `${own}/manifests/${reference}`;
      const found = await ask({ method: "GET", url, headers: { accept: manifestTypes.join(", ") } });
      if (found.status === 404) return undefined;
      if (found.status !== 200) throw refusal(`does not show ${repository}:${reference}`, found);
      return readManifest(found);
    },
    async putManifest(tag, { type, body }) {
      const headers = { "content-type": type };
      const put = await ask({ method: "PUT", url: `${own}/manifests/${tag}`, headers, body });
      if (put.status !== 201) throw refusal(`does not take ${repository}:${tag}`, put);
    },
  };
}

/** An insecure one may have either; the better one is tried first. */
async function reach(send: (ask: Ask) => Promise<RegistryAnswer>, server: string, isPlain: boolean) {
  const bases = [`https://${server}`, ...(isPlain ? [`http://${server}`] : [])];
  let failure: unknown;
  for (const base of bases) {
    try {
      return { base, answer: await send({ method: "GET", url: `${base}/v2/` }) };
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Docker, "Token Authentication Specification". */
async function askToken(
  send: (ask: Ask) => Promise<RegistryAnswer>,
  challenge: ReadonlyMap<string, string>,
  repository: string,
  basic: { authorization: string } | undefined,
  isPlain: boolean,
): Promise<string> {
  const realm = challenge.get("realm") ?? "";
  if (!URL.canParse(realm) || (!isPlain && !realm.startsWith("https://")))
    throw new SestaError("PUSH_FAILED", `sends logins to ${realm}, which is no https address`);
  const url = new URL(realm);
  const service = challenge.get("service");
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", `repository:${repository}:pull,push`);
  const given = await send({ method: "GET", url: url.href, ...(basic && { headers: basic }) });
  if (given.status !== 200) throw refusal(basic ? "refuses the login" : "wants a login", given);
  const { token, access_token } = JSON.parse(given.body) as { token?: string; access_token?: string };
  return `Bearer ${token ?? access_token ?? ""}`;
}

function readManifest({ headers, body }: RegistryAnswer): Manifest {
  const said = headers.get("docker-content-digest");
  // The last new line is lost on the way.
  const exact = [body, `${body}\n`].find((text) => digest(text) === said) ?? body;
  return { digest: digest(exact), body: exact, type: headers.get("content-type") ?? manifestTypes[0] ?? "" };
}

function digest(text: string): string {
  return `sha256:${createHash("sha256").update(text).digest("hex")}`;
}

async function request(machine: Machine, ask: Ask & { isPlain: boolean }): Promise<RegistryAnswer> {
  const { exitCode, stdout, stderr } = await machine.run(curlArgv, { input: buildCurlConfig(ask) });
  const answer = exitCode === 0 ? readAnswer(stdout) : undefined;
  if (answer) return answer;
  const said =
    stderr
      .trim()
      .split("\n")
      .at(-1)
      ?.replace(/^curl: \(\d+\) /, "") ?? "";
  throw new SestaError("PUSH_FAILED", `does not answer: ${said || `curl ended with ${exitCode}`}`);
}

function refusal(what: string, answer: RegistryAnswer): SestaError {
  return new SestaError("PUSH_FAILED", `${what} (${readRefusal(answer)})`);
}
