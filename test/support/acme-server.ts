// A real ACME server, Pebble, that knows every domain at this machine and asks a port of the test's, as CAs ask port 80.
import { execFileSync, spawn, spawnSync, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "../faults/support/processes.ts";
import { findMissingPackage } from "./debian-package.ts";
import { findFreePort } from "./running-lab.ts";

export type AcmeServer = {
  /** Its directory. */
  directory: string;
  /** Who vouches for the server itself, a file: for NODE_EXTRA_CA_CERTS. */
  authority: string;
  /** Who vouches for the certificates that it gives. */
  findRoot(): Promise<string>;
  /** Questions lead nowhere from now on, or here again. */
  setReach(reaches: boolean): Promise<void>;
  /** All that it said so far. */
  log(): string;
  end(): Promise<void>;
};

/** Why it cannot run; "" when it can. */
export function findNoAcme(): string {
  const isThere = () => spawnSync("pebble", ["-h"]).error === undefined;
  if (spawnSync("openssl", ["version"]).error) return "openssl is not installed";
  return findMissingPackage("pebble", isThere) ?? "";
}

/** @param asked where it asks whether a domain is theirs; @param validSeconds of its certificates */
export async function startAcmeServer(asked: number, validSeconds = 7_776_000): Promise<AcmeServer> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-acme-"));
  const [port, management, dns, dnsManagement] = await Promise.all([1, 2, 3, 4].map(() => findFreePort()));
  const openssl = (...argv: string[]) => execFileSync("openssl", argv, { cwd: folder, stdio: "ignore" });
  const named = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  const own = ["-keyout", "key.pem", "-out", "cert.pem", "-days", "2", "-subj", "/CN=localhost"];
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", ...own, ...named);
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${management}`,
    certificate: join(folder, "cert.pem"),
    privateKey: join(folder, "key.pem"),
    httpPort: asked,
    tlsPort: asked,
    certificateValidityPeriod: validSeconds,
  };
  writeFileSync(join(folder, "pebble.json"), JSON.stringify({ pebble }));
  let said = "";
  const start = (program: string, ...argv: string[]): ChildProcess => {
    const env = { ...process.env, PEBBLE_VA_NOSLEEP: "1" };
    const child = spawn(program, argv, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (piece) => (said += String(piece)));
    return child;
  };
  const none = ["http01", "https01", "tlsalpn01"].flatMap((name) => [`-${name}`, ""]);
  const names = ["-dns01", `127.0.0.1:${dns}`, "-management", `127.0.0.1:${dnsManagement}`];
  const children = [
    start("pebble-challtestsrv", ...none, ...names, "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""),
    start("pebble", "-config", "pebble.json", "-strict", "-dnsserver", `127.0.0.1:${dns}`),
  ];
  const get = (path: string, at: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const outgoing = request(
        { host: "127.0.0.1", port: at, path, rejectUnauthorized: false, agent: false },
        (answer) => {
          let body = "";
          answer.setEncoding("utf8").on("data", (piece) => (body += piece));
          answer.once("end", () => resolve(body));
        },
      );
      outgoing.once("error", reject).end();
    });
  await until(
    () => get("/dir", port ?? 0).catch(() => undefined),
    () => `Pebble does not start: ${said}`,
  );
  return {
    directory: `https://localhost:${port}/dir`,
    authority: join(folder, "cert.pem"),
    findRoot: () => get("/roots/0", management ?? 0),
    async setReach(reaches) {
      const body = JSON.stringify({ ip: reaches ? "127.0.0.1" : "127.0.0.9" });
      await fetch(`http://127.0.0.1:${dnsManagement}/set-default-ipv4`, { method: "POST", body });
    },
    log: () => said,
    async end() {
      for (const child of children) child.kill();
      await Promise.all(children.map((child) => new Promise((resolve) => child.once("exit", resolve))));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
