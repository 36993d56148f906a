// A pipeline of a service in a container, from lint to a release that answers: what was built is what is deployed.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findMissingPackage } from "./support/debian-package.ts";
import { createPodman, findMissingPodman, type Podman } from "./support/podman.ts";
import { createShipProject, type ShipProject } from "./support/ship-project.ts";

const missing = findMissingPodman() ?? findMissingPackage("busybox-static", () => existsSync("/bin/busybox"));
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("a pipeline with a container", { timeout: 60_000 }, () => {
  let folder: string;
  let podman: Podman;
  let project: ShipProject;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sesta-ship-"));
    podman = createPodman(join(folder, "podman"));
    project = await createShipProject(folder, podman, [
      "pipelines:",
      "  ship:",
      "    lint: { run: 'test -s version && echo built >seen', outputs: [seen] }",
      "    build: { build: web, needs: [lint] }",
      "    deploy: { deploy: web, needs: [build] }",
    ]);
  });
  afterAll(async () => {
    await project?.end();
    podman?.end();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  });

  const images = () =>
    podman
      .must("images", "--quiet", "--no-trunc", "--filter=label=sesta.made-from")
      .split("\n")
      .filter((id) => id !== "");

  test("lint, build and deploy; a later deploy takes the image by its id, and says when it is gone", async ({
    skip,
  }) => {
    project.commit("1");
    await project.ship(["--only", "lint"]);
    const built = await project.ship(["--only", "build"]);
    expect(built.stages.map(({ state, why }) => [state, why])).toEqual(
      built.stages.map(() => ["succeeded", null]),
    );
    const [image = ""] = images();
    const tried = podman.run("run", "--rm", image.slice("sha256:".length), "sh", "-c", "true");
    if (tried.status !== 0) {
      console.log(`skipped: podman cannot make containers here: ${tried.stderr}`);
      return skip();
    }
    const { code, stages, stderr } = await project.ship(["--only", "deploy"]);
    expect([code, stages.map(({ why }) => why), stderr]).toEqual([
      0,
      stages.map(() => null),
      expect.any(String),
    ]);
    expect(images()).toEqual([image]);
    expect(await releases()).toEqual([image]);
    expect(await ask()).toBe("1");

    project.commit("2");
    const all = await project.ship();
    expect([all.code, all.stages.map(({ state }) => state)]).toEqual([
      0,
      ["succeeded", "succeeded", "succeeded"],
    ]);
    expect(await ask()).toBe("2");
    expect(images()).toHaveLength(2);
    const log = readFileSync(all.stages[2]?.log ?? "", "utf8");
    expect(log).not.toMatch(/STEP|is built/);

    project.commit("3");
    await project.ship(["--only", "lint"]);
    expect((await project.ship(["--only", "build"])).code).toBe(0);
    const [gone = ""] = images().filter((id) => !listed.has(id));
    podman.must("rmi", gone);
    const failed = await project.ship(["--only", "deploy"]);
    const last = failed.stages.at(-1);
    expect([failed.code, last?.state]).toEqual([1, "failed"]);
    expect(last?.why).toContain(`The image ${gone.slice(7, 19)} of web, which was built, is gone`);
    expect(last?.why).toContain("Run the stage that builds it again.");
    expect(await ask()).toBe("2");
    const work = join(folder, "cache", "pipelines");
    expect(existsSync(work) ? readdirSync(work) : []).toEqual([]);
  });

  const listed = new Set<string>();
  const releases = async () => {
    const { stdout } = await project.sesta(["releases", "web", "--json"]);
    const { releases: found } = JSON.parse(stdout) as { releases: { digest: string }[] };
    found.forEach(({ digest }) => listed.add(digest));
    return found.map(({ digest }) => digest);
  };
  const ask = async () => {
    await releases();
    const answer = await fetch(`http://127.0.0.1:${project.port}/version`, {
      headers: { connection: "close" },
    });
    return answer.text();
  };
});
