// Services in containers, on a real podman: built, replaced, gone back to, found again, and gone without a trace.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, listLiving, until } from "./faults/support/processes.ts";
import { createContainerRig, type ContainerProject, type ContainerRig } from "./support/container-service.ts";
import { findMissingPackage } from "./support/debian-package.ts";
import { findMissingPodman } from "./support/podman.ts";
import { findMissingSshd } from "./support/ssh-server.ts";

const missing = findMissingPodman() ?? findMissingPackage("busybox-static", () => existsSync("/bin/busybox"));
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("services in containers", { timeout: 180_000 }, () => {
  let rig: ContainerRig;
  let cannot = "";

  beforeAll(async () => {
    rig = createContainerRig();
    const project = await rig.create("build: .");
    rig.podman.must("build", "-q", "-t", "sesta-try", project.folder);
    const tried = rig.podman.run(
      "run",
      "--rm",
      "--init",
      "--publish=127.0.0.1::80",
      "sesta-try",
      "sh",
      "-c",
      "true",
    );
    cannot = tried.status === 0 ? "" : `podman cannot make containers here: ${tried.stderr}`;
    if (cannot !== "") console.log(`skipped: ${cannot}`);
  }, 120_000);
  afterAll(() => rig?.end(), 120_000);

  const succeed = async (project: ContainerProject, ...argv: string[]) => {
    const { code, stdout, stderr } = await project.sesta([...argv, "-y"]);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    return stdout + stderr;
  };
  const fail = async (project: ContainerProject, ...argv: string[]) => {
    const { code, stderr } = await project.sesta([...argv, "-y"]);
    expect(code).toBe(1);
    return stderr;
  };
  /** Ids, each once. Podman refuses to list while one is taken away. */
  const images = () =>
    until(() => {
      const { status, stdout } = rig.podman.run(
        "images",
        "-q",
        "--no-trunc",
        "--filter=label=sesta.made-from",
      );
      const ids = new Set(stdout.split("\n").filter((line) => line !== ""));
      return status === 0 ? [...ids].toSorted() : undefined;
    }, "podman lists no images");

  test("a release takes over under load, rollback needs no build, old images go, down leaves none", async ({
    skip,
  }) => {
    if (cannot !== "") return skip();
    const project = await rig.create(
      "build: .",
      "replicas: 2",
      "stop: 3s",
      'env: { TOKEN: "${secret.token}" }',
    );
    expect(await succeed(project, "up")).toContain("build the image of iris");
    expect(await project.get("/version")).toBe("1");
    const env = rig.podman.must("exec", project.containers()[0] ?? "", "busybox", "env").split("\n");
    expect(env).toEqual(expect.arrayContaining([`TOKEN=${project.password}`, "PORT=8080"]));
    expect(listLiving(project.password)).toEqual([]);

    const load = startLoad(() => project.get("/version"), 6);
    project.setVersion("2");
    await succeed(project, "deploy", "iris");
    const seen = await load.stop();
    expect(seen.filter((body) => body !== "1" && body !== "2")).toEqual([]);
    expect(await project.get("/version")).toBe("2");

    const back = await succeed(project, "rollback", "iris");
    expect(back).not.toContain("image");
    expect(await project.get("/version")).toBe("1");
    await until(() => project.containers().length === 2, "the replicas of release 2 stay");
    const { releases } = JSON.parse((await project.sesta(["releases", "iris", "--json"])).stdout) as {
      releases: { digest: string }[];
    };
    expect(releases.map(({ digest }) => digest).toSorted()).toEqual(await images());

    project.setSection("build: .");
    for (let version = 3; version <= 8; version += 1) {
      project.setVersion(String(version));
      await succeed(project, "deploy", "iris");
    }
    await until(async () => (await images()).length === 6, "images of forgotten releases stay");
    const receipt = await succeed(project, "down", "iris");
    expect(receipt).toContain("image");
    expect([await images(), project.containers("-a")]).toEqual([[], []]);
  });

  test("a release that does not become healthy changes nothing and says why", async ({ skip }) => {
    if (cannot !== "") return skip();
    const project = await rig.create("build: .");
    await succeed(project, "up");
    const [before] = project.containers();
    project.setVersion("broken");
    const broken = await fail(project, "deploy", "iris");
    expect(broken).toContain("its container ended with exit code 3");
    expect(broken).toContain("some last words");
    expect(broken).toContain("release 1 stays");

    project.setVersion("2");
    const elsewhere = (listen: string) =>
      project.setSection("build: .", "health: { path: /health, start: 3s }", `env: { LISTEN: "${listen}" }`);
    elsewhere("5000");
    expect(await fail(project, "deploy", "iris")).toContain(
      "it listens on port 5000 in its container, not on 8080; set `app_port: 5000`",
    );
    elsewhere("127.0.0.1:8080");
    expect(await fail(project, "deploy", "iris")).toContain("let it listen on 0.0.0.0");
    expect([await project.get("/version"), project.containers("-a")]).toEqual(["1", [before]]);
    await succeed(project, "down", "iris");
  });

  test("a container whose client was killed is replaced; one whose agent was killed is found again", async ({
    skip,
  }) => {
    if (cannot !== "") return skip();
    const project = await rig.create("build: .", "replicas: 2", "stop: 2s");
    await succeed(project, "up");
    const first = project.containers();
    const { pid } = await project.workload("iris");
    await killHard(Number(pid));
    const isReplaced = () => {
      const names = project.containers();
      return names.length === 2 && names.filter((name) => first.includes(name)).length === 1;
    };
    await until(isReplaced, "it is not replaced");
    expect(project.containers("-a")).toHaveLength(2);
    await project.until("iris", ({ state }) => state === "awake");

    const second = project.containers();
    await killHard(Number((await project.workload("iris")).agent_pid));
    await project.until("iris", ({ state }) => state === "awake");
    expect([await project.get("/version"), project.containers("-a")]).toEqual(["1", second]);

    // One that nobody knows of any more.
    rig.podman.must(
      "run",
      "-d",
      "--name=sesta-lost",
      `--label=${project.label}`,
      "sesta-try",
      "sh",
      "-c",
      "busybox sleep 600",
    );
    await killHard(Number((await project.workload("iris")).agent_pid));
    await project.until("iris", ({ state }) => state === "awake");
    expect(project.containers("-a")).toEqual(second);
    await succeed(project, "down", "iris");
    expect(project.containers("-a")).toEqual([]);
  });

  test("exec runs in the container of a replica, with its environment, and ends as the command does", async ({
    skip,
  }) => {
    if (cannot !== "") return skip();
    const project = await rig.create("build: .", "replicas: 2", "stop: 2s", "env: { GREETING: a b }");
    await succeed(project, "up");
    const inside = (...argv: string[]) => project.sesta(["exec", "iris", "--", ...argv]);
    project.setVersion("not in the container");
    expect(await inside("busybox", "cat", "/version")).toMatchObject({ code: 0, stdout: "1" });
    const { stdout } = await inside("busybox", "env");
    expect(stdout.split("\n")).toEqual(expect.arrayContaining(["GREETING=a b", "PORT=8080"]));
    expect(await inside("sh", "-c", 'echo "$1" >&2; exit 7', "-", "two words")).toMatchObject({
      code: 7,
      stderr: expect.stringContaining("two words") as string,
    });
    await succeed(project, "deploy", "iris");
    expect((await inside("busybox", "cat", "/version")).stdout).toBe("not in the container");
    await succeed(project, "sleep", "iris");
    const asleep = await inside("busybox", "true");
    expect(asleep.code).toBe(1);
    expect(asleep.stderr).toContain("No container of iris runs");
    await succeed(project, "down", "iris");
  });

  test("a container that takes more memory than its limit is replaced, and OOM is named", async ({
    skip,
  }) => {
    if (cannot !== "") return skip();
    const project = await rig.create("build: .", "memory: 64MB", "cpus: 0.5");
    await succeed(project, "up");
    const [name = ""] = project.containers();
    expect(rig.podman.must("inspect", "--format={{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}", name)).toBe(
      `${64 * 1024 ** 2} 500000000`,
    );
    rig.podman.run("exec", name, "sh", "-c", "echo >/w/eat"); // which may end before this has answered
    const log = join(project.folder, ".sesta", "agent", "agent.log");
    await until(() => readFileSync(log, "utf8").includes("OOM"), "OOM is not told");
    expect(readFileSync(log, "utf8")).toMatch(
      /OOM: its container took more memory than its limit of 64 ?MB \(exit code 137\)/,
    );
    await until(() => project.containers().some((other) => other !== name), "it is not replaced");
    await succeed(project, "down", "iris");
  });

  test("an image that is there is not pulled; one that exposes several ports asks for app_port", async ({
    skip,
  }) => {
    if (cannot !== "") return skip();
    const project = await rig.create("image: localhost/sesta-try");
    await succeed(project, "up");
    expect(await project.get("/version")).toBe("1");
    expect(await succeed(project, "down", "iris")).toContain(
      "image localhost/sesta-try, which others may use",
    );
    writeFileSync(
      join(project.folder, "Dockerfile"),
      "FROM localhost/sesta-try\nEXPOSE 9090/tcp 8080 53/udp\n",
    );
    project.setSection("build: .");
    expect(await fail(project, "up")).toMatch(
      /exposes the ports 8080, 9090: which of them[^]*app_port: 8080/,
    );
    project.setSection("build: .", "app_port: 8080");
    await succeed(project, "up");
    const receipt = await succeed(project, "down", "iris");
    expect(receipt).toContain("image localhost/sesta-try, which others may use");
    project.setSection("image: localhost/sesta-nowhere:1");
    expect(await fail(project, "up")).toContain("localhost/sesta-nowhere:1 could not be pulled");
  });

  test("on a host over SSH the image is built there and the agent there runs it", async ({ skip }) => {
    if (cannot !== "") return skip();
    const why = findMissingSshd();
    if (why !== undefined) return skip(why);
    const [imagesBefore, containersBefore] = [await images(), rig.podman.must("ps", "-aq")];
    await rig.startHost();
    const project = await rig.create("target: box", "build: .", "stop: 2s");
    await succeed(project, "up");
    expect(await project.get("/version")).toBe("1");
    project.setVersion("2");
    await succeed(project, "deploy", "iris");
    expect(await project.get("/version")).toBe("2");
    const inside = await project.sesta(["exec", "iris", "--", "busybox", "cat", "/version"]);
    expect([inside.code, inside.stdout]).toEqual([0, "2"]);
    expect(await succeed(project, "down", "iris")).toContain("image");
    expect([await images(), rig.podman.must("ps", "-aq")]).toEqual([imagesBefore, containersBefore]);
  });
});

/** Asks from several sides until it is stopped; resolves with all that was answered. */
function startLoad(ask: () => Promise<string>, clients: number): { stop(): Promise<string[]> } {
  const seen: string[] = [];
  const ending = new AbortController();
  const one = async () => {
    while (!ending.signal.aborted) seen.push(await ask().catch((error: unknown) => String(error)));
  };
  const all = Array.from({ length: clients }, one);
  return {
    async stop() {
      ending.abort();
      await Promise.all(all);
      return seen;
    },
  };
}
