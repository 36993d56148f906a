// Images in several registries: to all of them or to none, and no password where it can be seen. Real podman and registries.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { listLiving, until } from "./faults/support/processes.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { findMissingRegistry, startImageRegistry, type ImageRegistry } from "./support/image-registry.ts";
import { createPodman, findMissingPodman, type Podman } from "./support/podman.ts";
import { createShipProject } from "./support/ship-project.ts";

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
  let [open, shut]: (ImageRegistry | undefined)[] = [];
  const ending: (() => Promise<void> | void)[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sesta-push-"));
    podman = createPodman(join(folder, "podman"));
  });
  afterEach(async () => {
    for (const end of ending.splice(0).toReversed()) await end();
  });
  afterAll(() => {
    podman?.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  /** Two registries, one with a login, and a project that pushes to both. */
  const begin = async (login = canary, more: readonly string[] = []) => {
    const own = mkdtempSync(join(folder, "t-"));
    open = await startImageRegistry(join(own, "open"));
    shut = await startImageRegistry(join(own, "shut"), { user: "team", password: canary });
    const [one, two] = [open, shut];
    ending.push(
      () => one.stop(),
      () => two.stop(),
    );
    const project = await createShipProject(own, podman, [
      "secrets: { hush: { env: HUSH } }",
      "registries:",
      `  open: { host: "${one.host}", repository: acme/web }`,
      `  shut: { host: "${two.host}", username: team, password: "\${secret.hush}" }`,
      "pipelines:",
      "  ship:",
      `    build: { build: web, push: [${[`${one.host}/acme/web:stable`, "shut", ...more].join(", ")}] }`,
    ]);
    ending.push(() => project.end());
    const ship = (argv: readonly string[] = []) => project.ship(argv, { HUSH: login });
    return { project, own, one, two, ship };
  };

  test("to two registries: under the commit, then under the tag that people follow", async () => {
    const { project, one, two, ship } = await begin();
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
    const { project, one, two, ship } = await begin();
    const commit = project.commit("1");
    await two.stop();
    const { code, stages } = await ship();
    expect(code).toBe(1);
    expect(stages[0]?.why).toContain("could not be pushed to shut; nothing was pushed anywhere");
    expect(stages[0]?.why).toMatch(/shut does not answer: .*refused|shut does not answer: .*connect/i);
    expect(stages[0]?.why).toContain(`${one.host}/acme/web:stable takes it, and has nothing of it yet`);
    expect(await one.find("acme/web", commit)).toBe(undefined);
    const files = readdirSync(one.storage, { recursive: true, withFileTypes: true });
    expect(files.filter((entry) => entry.isFile())).toEqual([]);
  });

  test("one that refuses: a wrong password, or storage that is read only", async () => {
    const { project, one, two, ship } = await begin();
    project.commit("1");
    expect((await ship()).code).toBe(0);
    const before = [await one.find("acme/web", "stable"), await two.find("web", "latest")];
    const commit = project.commit("2");
    const wrong = await project.ship([], { HUSH: "not-it-canary" });
    expect(wrong.stages[0]?.why).toMatch(/shut refuses the login of team \(401/);
    await two.stop();
    await two.start(true);
    expect((await ship()).stages[0]?.why).toMatch(/shut takes nothing into web \(405/);
    expect([await one.find("acme/web", "stable"), await two.find("web", "latest")]).toEqual(before);
    expect(await one.find("acme/web", commit)).toBe(undefined);
    expect(findCanary([project.folder, project.home], [wrong.stdout, wrong.stderr], "not-it-canary")).toEqual(
      [],
    );
  });

  test("one that is full: the other keeps its tag, and it is said what it has", async ({ skip }) => {
    const { project, one, two, ship } = await begin();
    project.commit("1");
    expect((await ship()).code).toBe(0);
    const before = await one.find("acme/web", "stable");
    await two.stop();
    if (spawnSync("mount", ["-t", "tmpfs", "-o", "size=300k", "tmpfs", two.storage]).status !== 0) {
      console.log("skipped: no file system can be mounted here");
      return skip();
    }
    ending.push(() => void spawnSync("umount", ["-l", two.storage]));
    await two.start();
    const commit = project.commit("2");
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

  test("killed in between: the next push takes the login away that was left", async () => {
    const hanging = await startHanging();
    ending.push(
      () => void hanging.server.closeAllConnections(),
      () => void hanging.server.close(),
    );
    const { project, two } = await begin(canary, [`${hanging.host}/web`]);
    const commit = project.commit("1");
    const begun = project.begin(["pipeline", "run", "ship", "--json", "-y"], { HUSH: canary });
    await until(
      () => hanging.hangs(),
      () => `no push begins: ${begun.stderr()}`,
    );
    const left = join(project.home, ".sesta", "push");
    expect(statSync(left).mode & 0o777).toBe(0o700);
    const config = join(left, "1", "config.json");
    expect([statSync(config).mode & 0o777, readFileSync(config, "utf8").includes(base64)]).toEqual([
      0o600,
      true,
    ]);
    begun.kill("SIGKILL");
    await begun.ended;
    hanging.server.closeAllConnections();
    expect(await two.find("web", "latest")).toBe(undefined);
    hanging.server.close();
    expect((await project.ship([], { HUSH: canary })).stages[0]?.why).toContain("does not answer");
    expect(existsSync(left)).toBe(false);
    expect(await two.find("web", "latest")).toBe(undefined);
    expect(commit).toMatch(/^[0-9a-f]{40}$/);
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

/** Takes an upload's beginning, and never ends anything after that. */
async function startHanging(): Promise<{ host: string; server: Server; hangs(): boolean }> {
  let count = 0;
  const server = createServer(({ method, url }, response) => {
    if (url === "/v2/") response.writeHead(200).end("{}");
    else if (method === "POST" && count === 0) response.writeHead(202, { location: "/v2/u/1" }).end();
    else if (method === "DELETE") response.writeHead(204).end();
    else count += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { host: `127.0.0.1:${port}`, server, hangs: () => count > 0 };
}
