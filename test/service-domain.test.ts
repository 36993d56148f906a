// Services with a domain: certificates from a real ACME server, one port for several domains, and what strangers get.
import { mkdtemp, rm } from "node:fs/promises";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request as requestPlain } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createDomains } from "../src/agent/domain/domains.ts";
import { systemClock } from "../src/base/clock.ts";
import { silentLog } from "../src/base/log.ts";
import { createLocalMachine } from "../src/machine/local.ts";
import { killHard, until } from "./faults/support/processes.ts";
import { findNoAcme, startAcmeServer, type AcmeServer } from "./support/acme-server.ts";
import { createJobProject, type JobProject } from "./support/job-project.ts";
import { acmeClientSource } from "./support/program-sources.ts";
import { findFreePort } from "./support/running-lab.ts";

type Answer = { status: number; body: string; location?: string | undefined };

const missing = findNoAcme();
if (missing !== "") console.warn(`skipped: ${missing}`);

const [first, second] = ["iris.sesta.test", "digits.sesta.test"] as const;
const app = `import { createServer } from "node:http";
createServer((request, response) => {
  const { host, "x-forwarded-proto": proto, "x-forwarded-for": from } = request.headers;
  response.end(JSON.stringify({ name: process.env.NAME, host, proto, from }));
}).listen(process.env.PORT, "127.0.0.1");
`;

let acme: AcmeServer;
let project: JobProject;
let port: number;
let asked: number;

describe.skipIf(missing !== "")("domains", () => {
  beforeAll(async () => {
    [port, asked] = [await findFreePort(), await findFreePort()];
    acme = await startAcmeServer(asked);
    project = await createJobProject({ yaml: build(), variables: { NODE_EXTRA_CA_CERTS: acme.authority } });
    project.write("app.mjs", app);
    await project.must(["up", "-y"]);
  }, 60_000);
  afterAll(async () => {
    await project?.end();
    await acme?.end();
  }, 60_000);

  test("two of them are answered on one port, each with a certificate of its own", async () => {
    for (const [domain, name] of [
      [first, "iris"],
      [second, "digits"],
    ] as const) {
      const { status, body } = await ask(domain);
      const host = `${domain}:${port}`;
      expect([status, JSON.parse(body)]).toEqual([200, { name, host, proto: "https", from: "127.0.0.1" }]);
      const { url, certificate } = await project.workload(name);
      expect(url).toBe(`https://${domain}:${port}`);
      expect(certificate).toEqual({ domain, until: expect.stringMatching(/^20\d\d-/), problem: null });
    }
    const { stdout } = await project.must(["why", "iris"]);
    expect(stdout).toMatch(/^certificate: iris\.sesta\.test, valid until 20\d\d-\d\d-\d\d$/m);
  });

  test("T7: who names another host, another domain, or none, is not let in", async () => {
    expect((await ask(first, { host: second })).status).toBe(421);
    expect((await ask(first, { host: "127.0.0.1" })).status).toBe(421);
    for (const servername of ["other.sesta.test", ""])
      await expect(handshake(servername)).rejects.toThrow(/alert|reset|disconnected|hang up/i);
  });

  test("the port that the CA asks leads browsers on, and tells nothing else", async () => {
    expect(await askPlain(first, "/predict?a=1")).toMatchObject({
      status: 308,
      location: `https://${first}:${port}/predict?a=1`,
    });
    expect((await askPlain("other.sesta.test", "/")).status).toBe(421);
    for (const token of ["none", "..%2f..%2fagent.db", "../account"])
      expect((await askPlain(first, `/.well-known/acme-challenge/${token}`)).status).not.toBe(200);
  });

  test("T4: keys are readable by their user only, and no answer to the CA stays", () => {
    const folder = join(project.folder, ".sesta", "agent", "certificates");
    const files = readdirSync(folder).filter((name) => name !== "challenges");
    expect(files).toHaveLength(3);
    for (const name of files) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    expect(readdirSync(join(folder, "challenges"))).toEqual([]);
  });

  test("F2: an agent that was killed is followed by one that has the certificate, and asks for none", async () => {
    const before = JSON.parse(kept()) as { chain: string };
    const { agent_pid: pid } = await project.workload("iris");
    await killHard(pid ?? 0);
    await project.must(["status"]);
    const { status } = await until(() => ask(first).catch(() => undefined), "it does not answer again");
    expect([status, JSON.parse(kept())]).toEqual([200, before]);
  });

  test("a CA that cannot reach the domain: the release is live, the reason is told, a deploy tries again", async () => {
    await acme.setReach(false);
    project.write("sesta.yaml", build("third.sesta.test"));
    const { code, stderr } = await project.sesta(["deploy", "iris", "-y"]);
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(/none for third\.sesta\.test: localhost:\d+ says/),
    ]);
    const { state, release, certificate } = await project.workload("iris");
    expect([state, release]).toEqual(["awake", 2]);
    expect(certificate).toMatchObject({ until: null, problem: expect.stringContaining("127.0.0.9") });
    const { stdout } = await project.sesta(["doctor"]);
    expect(stdout).toContain("iris: third.sesta.test is not known to the DNS");
    await expect(handshake("third.sesta.test")).rejects.toThrow();
    await acme.setReach(true);
  });

  test("down closes the ports, and keeps the certificate, of which a CA gives few in a week", async () => {
    const { stdout } = await project.must(["down", "digits", "-y", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({
      receipts: [{ name: "digits", remains: expect.arrayContaining([`the certificate of ${second}`]) }],
    });
    await expect(handshake(second)).rejects.toThrow();
    await project.must(["down", "-y"]);
    await expect(handshake(second)).rejects.toThrow(/ECONNREFUSED/);
    await expect(askPlain(second, "/")).rejects.toThrow(/ECONNREFUSED/);
  });
});

test.skipIf(missing !== "")("a certificate is replaced before it ends, while it is used", async () => {
  const [at, challenge] = [await findFreePort(), await findFreePort()];
  const server = await startAcmeServer(challenge, 9);
  const home = await mkdtemp(join(tmpdir(), "sesta-domains-"));
  const machine = createLocalMachine({ ...process.env, NODE_EXTRA_CA_CERTS: server.authority });
  const domains = createDomains({ clock: systemClock, log: silentLog, machine, home });
  const { node, program } = acmeClientSource;
  const rule = { directory: server.directory, email: "ops@example.org", port: challenge };
  const domain = { name: first, acme: { ...rule, program: [node, program] } };
  const listen = { host: "127.0.0.1", port: at };
  const accept = (socket: Duplex) => void socket.end("hello").on("error", () => undefined);
  const leave = await domains.answer({
    domain,
    listen,
    certificate: null,
    accept,
    changed: () => undefined,
  });
  try {
    const serial = async () => {
      const [, number] = (await seen(at).catch(() => undefined)) ?? [];
      return number;
    };
    const one = await until(serial, "there is no certificate");
    const refused: unknown[] = [];
    const next = await until(async () => {
      const number = await serial();
      if (number === undefined) refused.push(domains.report(domain));
      return number === undefined || number === one ? undefined : number;
    }, "it is not renewed");
    expect([next === one, refused]).toEqual([false, []]);
    expect(domains.report(domain)?.problem).toBeNull();
  } finally {
    leave();
    await server.end();
    await rm(home, { recursive: true });
  }
  await expect(seen(at)).rejects.toThrow(/ECONNREFUSED/);
});

/** What is said behind the certificate, and its serial number. */
function seen(at: number): Promise<[string, string]> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: at, servername: first, rejectUnauthorized: false };
    const socket = connect(options);
    socket.once("error", reject);
    socket.once("data", (said) => resolve([String(said), socket.getPeerCertificate().serialNumber]));
  });
}

/** @param domain of the first service */
function build(domain: string = first): string {
  const certificate = `{ acme: "${acme.directory}", port: ${asked} }`;
  const service = (name: string, at: string) =>
    `  ${name}:\n    type: service\n    command: exec node app.mjs\n    env: { NAME: ${name} }\n` +
    `    domain: ${at}\n    host: 127.0.0.1\n    port: ${port}\n    auth: none\n` +
    `    certificate: ${certificate}\n`;
  return `name: domains\nworkloads:\n${service("iris", domain)}${service("digits", second)}`;
}

function kept(): string {
  return readFileSync(join(project.folder, ".sesta", "agent", "certificates", `${first}.json`), "utf8");
}

async function ask(domain: string, { host = `${domain}:${port}` } = {}): Promise<Answer> {
  const ca = await acme.findRoot();
  const options = { host: "127.0.0.1", port, servername: domain, headers: { host }, ca, agent: false };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (answer) => {
      let body = "";
      answer.setEncoding("utf8").on("data", (piece) => (body += piece));
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body }));
    });
    outgoing.once("error", reject).end();
  });
}

function askPlain(host: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: asked, path, headers: { host }, agent: false };
    const outgoing = requestPlain(options, (answer) => {
      const { statusCode: status = 0, headers } = answer;
      answer.resume().once("end", () => resolve({ status, body: "", location: headers.location }));
    });
    outgoing.once("error", reject).end();
  });
}

function handshake(servername: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, servername, rejectUnauthorized: false }, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}
