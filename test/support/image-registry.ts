// Debian's docker-registry on a loopback port with scratch storage: an image registry of a test's own.
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdirSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { until } from "../faults/support/processes.ts";
import { findMissingPackage } from "./debian-package.ts";
import { freePort } from "./scratch-project.ts";

export type ImageRegistry = {
  /** `127.0.0.1:PORT` */
  host: string;
  /** Where its blobs are. */
  storage: string;
  log: string;
  /** Digest of a tag's manifest; undefined where there is none. */
  find(repository: string, tag: string): Promise<string | undefined>;
  stop(): Promise<void>;
  start(isReadOnly?: boolean): Promise<void>;
};

/** Why there is none here. */
export function findMissingRegistry(): string | undefined {
  return findMissingPackage(
    "docker-registry",
    () => spawnSync("docker-registry", ["--version"]).status === 0,
  );
}

/** @param login needed for everything */
export async function startImageRegistry(
  folder: string,
  login?: { user: string; password: string },
): Promise<ImageRegistry> {
  const port = await freePort();
  const host = `127.0.0.1:${port}`;
  const [storage, log] = [join(folder, "storage"), join(folder, "registry.log")];
  mkdirSync(storage, { recursive: true });
  if (login) writeFileSync(join(folder, "htpasswd"), `${login.user}:${hash(login.password)}\n`);
  const auth = login && { auth: { htpasswd: { realm: "test", path: join(folder, "htpasswd") } } };
  const authorization = login && `Basic ${Buffer.from(`${login.user}:${login.password}`).toString("base64")}`;
  const ask = (path: string, method = "GET") =>
    fetch(`http://${host}/v2/${path}`, {
      method,
      headers: {
        accept:
          "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json",
        connection: "close",
        ...(authorization && { authorization }),
      },
    });
  let child: ChildProcess | undefined;
  const registry: ImageRegistry = {
    host,
    storage,
    log,
    async find(repository, tag) {
      const answer = await ask(`${repository}/manifests/${tag}`, "HEAD");
      return answer.status === 200 ? (answer.headers.get("docker-content-digest") ?? "") : undefined;
    },
    async start(isReadOnly = false) {
      const config = {
        version: "0.1",
        log: { level: "info" },
        storage: {
          filesystem: { rootdirectory: storage },
          maintenance: { readonly: { enabled: isReadOnly } },
        },
        http: { addr: host },
        ...auth,
      };
      writeFileSync(join(folder, "config.yml"), JSON.stringify(config)); // JSON is YAML
      const out = openSync(log, "a");
      const started = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
        stdio: ["ignore", out, out],
      });
      child = started;
      await until(
        async () => started.exitCode !== null || (await ask("").catch(() => undefined)) !== undefined,
        "the registry does not answer",
      );
    },
    async stop() {
      const ended = child;
      child = undefined;
      if (!ended || ended.exitCode !== null) return;
      await new Promise((resolve) => {
        ended.once("close", resolve);
        ended.kill("SIGTERM");
      });
    },
  };
  await registry.start();
  return registry;
}

/** The registry takes bcrypt alone; Debian's crypt(3) has it, and perl-base is always there. */
function hash(password: string): string {
  const script = "print crypt($ENV{PASSWORD}, q{$2y$05$abcdefghijklmnopqrstuu})";
  return execFileSync("perl", ["-e", script], { encoding: "utf8", env: { PASSWORD: password } });
}
