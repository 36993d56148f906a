// What the section of a service accepts and refuses, with the line and the column of each problem.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { SestaError } from "../base/errors.ts";
import { findService } from "../model/project.ts";
import { parseProject } from "./parse.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-services-"));
for (const file of ["iris.onnx", "requirements.txt", "rows.csv"]) writeFileSync(join(folder, file), "");
afterAll(() => rmSync(folder, { recursive: true }));

const head = "name: demo\nsecrets: { t: { env: T } }\nworkloads:\n  iris:\n    type: service\n";

const parse = (keys: string) =>
  parseProject(Buffer.from(head + keys.trim().replaceAll(/^/gm, "    ") + "\n"), folder);

async function problemsOf(keys: string): Promise<string[]> {
  const error: unknown = await parse(keys).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return [];
  if (!(error instanceof SestaError)) throw error;
  return error.problems.map((problem) => problem.replace("sesta.yaml:", ""));
}

test.each([
  ["", "5:5: expected exactly one of command, build, image and model"],
  ["command: a\nimage: b", "5:5: expected exactly one of command, build, image and model"],
  ["command: a\nbuild: .\nmodel: iris.onnx", "5:5: expected exactly one of command, build, image and model"],
  ["command: a\nimage: b\ncomand: c", '8:5: unknown key "comand" in workloads.iris; did you mean "command"?'],
  [
    "C\nhost: 0.0.0.0",
    '7:11: "iris" would be open to other machines at "0.0.0.0": guard it with `password: ${secret.NAME}`, or accept it with `auth: none`',
  ],
  [
    "C\ndomain: iris.example.org",
    '7:13: "iris" would be open to other machines at "iris.example.org": guard it with `password: ${secret.NAME}`, or accept it with `auth: none`',
  ],
  ["C\nauth: none\ndomain: localhost", '8:13: expected a domain like iris.example.org, got "localhost"'],
  ["C\nauth: none\ndomain: 10.0.0.1", '8:13: expected a domain like iris.example.org, got "10.0.0.1"'],
  ["C\ncertificate: {}", "7:5: `certificate` needs `cert` and `key`, or a `domain`"],
  ["C\ncertificate: { cert: iris.onnx }", "7:20: `cert` and `key` go together"],
  ["C\ncertificate: { email: a@example.org }", "7:20: `email` goes with `domain: …`, which it is for"],
  [
    "C\nauth: none\ndomain: a.example.org\ncertificate: { cert: iris.onnx, key: rows.csv, port: 81 }",
    "9:52: `port` goes without `cert` and `key`",
  ],
  [
    "C\nauth: none\ndomain: a.example.org\ncertificate: { acme: http://ca.example.org }",
    '9:26: expected an address like https://ca.example.org/directory, got "http://…"',
  ],
  ['C\nhost: "::"\nauth: token', "8:11: `auth: token` needs the token: `password: ${secret.NAME}`"],
  [
    'C\nauth: none\npassword: "${secret.t}"',
    "8:5: `password` guards nothing with `auth: none`: leave out one of them",
  ],
  ["C\nauth: maybe", '7:11: expected none or token, got "maybe"'],
  [
    "C\npassword: plain",
    "7:15: expected a reference like ${secret.team_pass}; name the secret under `secrets:`; its value never stands in this file",
  ],
  [
    "image: a/b:1\npython: requirements.txt",
    "7:5: `python` does not reach into a container: install the packages in its Dockerfile",
  ],
  [
    "build: .\npython: [flask]",
    "7:5: `python` does not reach into a container: install the packages in its Dockerfile",
  ],
  ["model: iris.onnx\npython: [flask]", "7:5: `python` goes with `command`: Sesta serves a model itself"],
  ["C\napp_port: 80", "7:5: `app_port` goes with `build` or `image`: a process listens on $PORT"],
  ["C\nrows: rows.csv", "7:5: `rows` goes with `model`"],
  ["C\nreplicas: 0", "7:15: expected a whole number from 1 to 64, got 0"],
  ["C\nreplicas: 65", "7:15: expected a whole number from 1 to 64, got 65"],
  ["C\nport: 70000", "7:11: expected a port from 1 to 65535, got 70000"],
  ["C\nhealth: health", '7:13: expected path: a path like /health, got "health"'],
  [
    "C\nhealth: { path: /h, every: 1h }",
    "7:13: expected every: a duration like 10s, at most 10m, got a mapping",
  ],
  ["C\nhealth: { failures: 0 }", "7:13: expected failures: a whole number from 1 to 100, got a mapping"],
  [
    "C\nhealth: { pth: /h }",
    '7:13: expected a mapping of path, start, every, timeout or failures, got a mapping; unknown key "pth"; did you mean "path"?',
  ],
  ["C\nmetrics: /", '7:14: expected a path like /metrics, or none, got "/"'],
  ["C\nidle: 10", "7:11: expected a duration like 40m, or never, got 10; its unit is missing: s, m, h or d"],
  ["C\nhold: never", '7:11: expected a duration like 40m, got "never"'],
  ["C\ncpus: 0", "7:11: expected a number like 0.5 or 2, got 0"],
  ["C\nmemory: 1", "7:13: expected a size like 100MB, got 1; its unit is missing: KB, MB, GB or TB"],
  [
    'C\nenv: { PORT: "1" }',
    "7:12: `PORT` is given to each replica, as each has a port of its own: `port` is where people reach them",
  ],
])("refuses %j", async (keys, problem) => {
  expect(await problemsOf(keys.replace(/^C\b/, "command: python3 app.py"))).toEqual([problem]);
});

test("defaults, and what each key becomes", async () => {
  const find = async (keys: string) => findService(await parse(keys), "iris");
  expect(await find("command: python3 app.py")).toEqual({
    type: "service",
    name: "iris",
    target: "local",
    source: { kind: "command", command: "python3 app.py" },
    env: {},
    replicas: 1,
    host: "127.0.0.1",
    health: { path: "/health", startMs: 60_000, everyMs: 2_000, timeoutMs: 2_000, failures: 3 },
    memoryBytes: null,
    cpus: null,
    idleMs: null,
    holdMs: 30_000,
    drainMs: 30_000,
    stopMs: 10_000,
    responseMs: 60_000,
    maxBodyBytes: 104_857_600,
    metricsPath: "/metrics",
    repeatsAll: false,
  });
  expect(
    await find(
      'command: a\nhost: 0.0.0.0\npassword: "${secret.t}"\nhealth: { path: /up, start: 3m }\nmetrics: none\nidle: 15m\nmemory: 64MB\nenv: { A: b, K: "${secret.t}" }',
    ),
  ).toMatchObject({
    host: "0.0.0.0",
    password: "t",
    health: { path: "/up", startMs: 180_000, failures: 3 },
    metricsPath: null,
    idleMs: 900_000,
    memoryBytes: 67_108_864,
    env: { A: { text: "b" }, K: { secret: "t" } },
  });
  expect(await find("command: a\nhost: 0.0.0.0\nauth: none")).not.toHaveProperty("password");
  expect(await find("command: a\nauth: none\ndomain: Iris.Example.org")).toMatchObject({
    domain: "iris.example.org",
    host: "0.0.0.0",
    port: 443,
    acme: { directory: "https://acme-v02.api.letsencrypt.org/directory", email: null, port: 80 },
  });
  const files = "certificate: { cert: iris.onnx, key: rows.csv }";
  expect(await find(`command: a\nauth: none\ndomain: a.example.org\n${files}`)).not.toHaveProperty("acme");
});

test("domains share a port, and a domain has one service there", async () => {
  const service = (name: string, keys: string) =>
    `  ${name}:\n    { type: service, command: a, auth: none, ${keys} }\n`;
  const of = (...services: string[]) =>
    parseProject(Buffer.from(`name: demo\nworkloads:\n${services.join("")}`), folder);
  const [one, other] = ["domain: a.example.org, port: 8443", "domain: b.example.org, port: 8443"];
  await expect(of(service("one", one), service("other", other))).resolves.toBeDefined();
  await expect(of(service("one", one), service("other", "port: 8443"))).rejects.toMatchObject({
    problems: [expect.stringContaining('port 8443 belongs to "one" already')],
  });
  const same = of(
    service("one", "domain: a.example.org"),
    service("other", "domain: A.example.org, port: 443"),
  );
  await expect(same).rejects.toMatchObject({
    problems: ['sesta.yaml:6:54: a.example.org:443 belongs to "one" already'],
  });
});
