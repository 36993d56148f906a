// Images in several registries: to all of them or to none, and no password where it can be seen. Real podman and registries.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { listLiving, until } from "./faults/support/processes.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { findMissingRegistry, startImageRegistry, type ImageRegistry } from "./support/image-registry.ts";
import { createPodman, findMissingPodman, type Podman } from "./support/podman.ts";
import { createShipProject, type ShipProject } from "./support/ship-project.ts";

const missing =
  findMissingPodman() ??
  findMissingRegistry() ??
  findMissingPackage("busybox-static", () => existsSync("/bin/busybox")) ??
  findMissingPackage("curl", () => spawnSync("curl", ["--version"]).status === 0);
if (missing !== undefined) console.log(`skipped: ${missing}`);

const canary = "hush-canary-5519";
const base64 = Buffer.from(`team:${canary}`).toString("base64");

describe.skipIf(missing !== undefined)("push", { timeout: 60_000 }, () => {
  let folder: string;
  let podman: Podman;
  let one: ImageRegistry;
  let two: ImageRegistry;
  let gate: Gate;
  let project: ShipProject;
  const ending: (() => Promise<unknown> | void)[] = [];

  // Two registries, one with a login, and a project that pushes to both; a gate stands before what is pushed to as a third one.
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sesta-push-"));
    podman = createPodman(join(folder, "podman"));
    one = await startImageRegistry(join(folder, "open"));
    two = await startImageRegistry(join(folder, "shut"), { user: "team", password: canary });
    gate = await startGate(one.host);
    const push = `${one.host}/acme/web:stable, shut`;
    project = await createShipProject(folder, podman, [
      "secrets: { hush: { env: HUSH } }",
      "registries:",
      `  shut: { host: "${two.host}", username: team, password: "\${secret.hush}" }`,
      `  gate: { host: "${gate.host}", username: team, password: "\${secret.hush}" }`,
      "pipelines:",
      `  ship: { build: { build: web, push: [${push}] } }`,
      `  three: { build: { build: web, push: [${push}, ${gate.host}/other/web] } }`,
    ]);
  });
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });
  afterAll(async () => {
    gate?.end();
    await project?.end();
    await one?.stop();
    await two?.stop();
    podman?.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });
  const ship = (password = canary) => project.ship([], { HUSH: password });

  test("to two registries: under the commit, then under the tag that people follow", async () => {
    const commit = project.commit("1");
    let seen = 0;
    const watch = setInterval(() => {
      seen += listLiving(canary).length + listLiving(base64).length;
    }, 100);
    const first = await ship();
    clearInterval(watch);
    expect([first.code, first.stages[0]?.why]).toEqual([0, null]);
    const digest = await one.find("acme/web", commit);
    expect(digest).toMatch(/^sha256:/);
    expect(await one.find("acme/web", "stable")).toBe(digest);
    const other = await two.find("web", commit);
    expect(await two.find("web", "latest")).toBe(other);
    expect(await one.find("acme/web", "latest")).toBe(undefined);
    const log = readFileSync(first.stages[0]?.log ?? "", "utf8");
    expect(log).toContain(`pushed ${one.host}/acme/web:stable@${digest}`);
    expect(log).toContain(`pushed ${two.host}/web:latest@${other}`);

    const next = project.commit("2");
    expect((await ship()).code).toBe(0);
    expect(await two.find("web", "latest")).toBe(await two.find("web", next));
    expect(await two.find("web", next)).not.toBe(other);
    expect(await two.find("web", commit)).toBe(other);

    expect(seen).toBe(0);
    expect(findCanary([project.folder, project.home], [first.stdout, first.stderr])).toEqual([]);
    expect(existsSync(join(project.home, ".sesta", "push"))).toBe(false);
  });

  test("one that is down: it is named, and the other gets nothing", async () => {
    const list = () => readdirSync(join(one.storage, "docker/registry/v2/blobs"), { recursive: true });
    const before = list();
    const commit = project.commit("down");
    await two.stop();
    ending.push(() => two.start());
    const { code, stages } = await ship();
    expect(code).toBe(1);
    expect(stages[0]?.why).toContain("could not be pushed to shut; nothing was pushed anywhere");
    expect(stages[0]?.why).toMatch(/shut does not answer: .*refused|shut does not answer: .*connect/i);
    expect(stages[0]?.why).toContain(`${one.host}/acme/web:stable takes it, and has nothing of it yet`);
    expect(await one.find("acme/web", commit)).toBe(undefined);
    expect(list()).toEqual(before);
  });

  test("one that refuses: a wrong password, or storage that is read only", async () => {
    const before = [await one.find("acme/web", "stable"), await two.find("web", "latest")];
    const commit = project.commit("refused");
    const wrong = await ship("not-it-canary");
    expect(wrong.stages[0]?.why).toMatch(/shut refuses the login of team \(401/);
    await two.stop();
    await two.start(true);
    ending.push(
      () => two.start(),
      () => two.stop(),
    );
    expect((await ship()).stages[0]?.why).toMatch(/shut takes nothing into web \(405/);
    expect([await one.find("acme/web", "stable"), await two.find("web", "latest")]).toEqual(before);
    expect(await one.find("acme/web", commit)).toBe(undefined);
    expect(findCanary([project.folder, project.home], [wrong.stdout, wrong.stderr], "not-it-canary")).toEqual(
      [],
    );
  });

  test("one that is full: the other keeps its tag, and it is said what it has", async ({ skip }) => {
    const before = await one.find("acme/web", "stable");
    await two.stop();
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", two.storage]).status !== 0) {
      console.log("skipped: no file system can be mounted here");
      return skip();
    }
    await two.start();
    ending.push(
      () => two.start(),
      () => void spawnSync("umount", ["-l", two.storage]),
      () => two.stop(),
    );
    const commit = project.commit("full");
    const { code, stages } = await ship();
    expect(code).toBe(1);
    expect(stages[0]?.why).toContain("could not be pushed to shut");
    expect(stages[0]?.why).toMatch(/shut \(.*\) did not take it: .+/);
    expect(stages[0]?.why).toContain(`has it as ${commit}`);
    expect(stages[0]?.why).toContain("is as it was everywhere");
    expect(await one.find("acme/web", "stable")).toBe(before);
    expect(await one.find("acme/web", commit)).toMatch(/^sha256:/);
    expect(await two.find("web", "latest")).toBe(undefined);
  });

  test("one that does not move the tag: the others get the old one back", async () => {
    const before = [await one.find("acme/web", "stable"), await two.find("web", "latest")];
    const commit = project.commit("no tags");
    gate.refuse = "tags";
    const { code, stages } = await project.ship([], { HUSH: canary }, "three");
    const why = stages[0]?.why ?? "";
    expect([code, why]).toEqual([1, expect.stringContaining("other/web did not take the tag latest")]);
    expect(why).toContain("does not take other/web:latest (409: tags are fixed here)");
    expect(why).toContain("acme/web has stable as it was again");
    expect(why).toMatch(/shut \(.*\) has latest as it was again/);
    expect([await one.find("acme/web", "stable"), await two.find("web", "latest")]).toEqual(before);
    expect(await two.find("web", commit)).toMatch(/^sha256:/);
  });

  test("killed in between: the next push takes the login away that was left", async () => {
    const before = await two.find("web", "latest");
    project.commit("killed");
    gate.refuse = "blobs";
    const begun = project.begin(["pipeline", "run", "three", "--json", "-y"], { HUSH: canary });
    await until(
      () => gate.holds() > 0,
      () => `no push begins: ${begun.stderr()}`,
    );
    const left = join(project.home, ".sesta", "push");
    const config = join(left, "1", "config.json");
    expect([left, config].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o600]);
    expect(readFileSync(config, "utf8")).toContain(base64);
    begun.kill("SIGKILL");
    await begun.ended;
    expect(await two.find("web", "latest")).toBe(before);
    gate.end();
    const next = await project.ship([], { HUSH: canary }, "three");
    expect(next.stages[0]?.why).toContain("other/web does not answer");
    expect([existsSync(left), await two.find("web", "latest")]).toEqual([false, before]);
  });
});

/** Files and texts that have it. */
function findCanary(folders: readonly string[], texts: readonly string[], word = canary): string[] {
  const forms = [word, Buffer.from(`team:${word}`).toString("base64")];
  const has = (text: string) => forms.some((form) => text.includes(form));
  const files = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
    ),
  );
  return [...files.filter((path) => has(readFileSync(path, "latin1"))), ...texts.filter(has)];
}

type Gate = {
  host: string;
  /** What does not pass: tags but those of commits, or any blob, which is held for ever. */
  refuse: "tags" | "blobs" | null;
  holds(): number;
  end(): void;
};

/** Stands before a real registry, as what companies put there; it takes tokens that it gives for the login. */
async function startGate(behind: string): Promise<Gate> {
  let held = 0;
  const server = createServer((asked, answer) => {
    const { method = "", url = "", headers } = asked;
    const { authorization, ...rest } = headers;
    if (url.startsWith("/token?"))
      return authorization === `Basic ${base64}` && url.includes("repository%3Aother%2Fweb%3Apull%2Cpush")
        ? answer.writeHead(200).end('{"token":"one-of-its-own"}')
        : answer.writeHead(401).end();
    if (authorization !== "Bearer one-of-its-own") {
      const challenge = `Bearer realm="http://${gate.host}/token",service="gate"`;
      return answer.writeHead(401, { "www-authenticate": challenge }).end();
    }
    if (gate.refuse === "tags" && method === "PUT" && url.endsWith("/latest"))
      return answer.writeHead(409).end('{"errors":[{"code":"DENIED","message":"tags are fixed here"}]}');
    if (gate.refuse === "blobs" && url.includes("/blobs/sha256:")) return (held += 1);
    return asked.pipe(
      request(`http://${behind}${url}`, { method, headers: rest }, (given) => {
        answer.writeHead(given.statusCode ?? 500, given.headers);
        given.pipe(answer);
      }).on("error", () => answer.destroy()),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const gate: Gate = {
    host: `127.0.0.1:${typeof address === "object" && address ? address.port : 0}`,
    refuse: null,
    holds: () => held,
    end() {
      server.close();
      server.closeAllConnections();
    },
  };
  return gate;
}
