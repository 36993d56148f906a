// Tokens reach the agent however it lost them: after its death, and when the file that holds one has changed. Real git over HTTP.
import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ask, socketPath } from "../src/machine/control-socket.ts";
import { killHard, until } from "./faults/support/processes.ts";
import { findInFiles } from "./support/canary.ts";
import { findMissingLab } from "./support/example-project.ts";
import { createGitRemote, type GitRemote } from "./support/git-remote.ts";
import { createScratchProject, type ScratchProject } from "./support/scratch-project.ts";

const missing = findMissingLab();
if (missing !== "") console.warn(`token-supply.test.ts is skipped: ${missing}`);

const [first, second] = ["the-first-token-canary", "the-second-token-canary"];

describe.skipIf(missing !== "")("a token on its way to the agent", { timeout: 120_000 }, () => {
  let root: string;
  let remote: GitRemote;
  let project: ScratchProject;

  beforeEach(async () => {
    root = mkdtempSync(join(tmpdir(), "sesta-token-"));
    remote = await createGitRemote("http", root, first);
  });
  afterEach(async () => {
    await project?.end();
    await remote.stop();
    rmSync(root, { recursive: true, force: true });
  });

  async function bringUp(secret: string, env: NodeJS.ProcessEnv = {}): Promise<void> {
    project = await createScratchProject(`name: tokens
secrets: { git_token: ${secret} }
workloads:
  notebook: { type: lab, save: { repo: "${remote.url}", token: "\${secret.git_token}" } }
`);
    await writeFile(join(project.folder, "token.txt"), first, { mode: 0o600 });
    const { code, stderr } = await project.sesta(["up", "-y"], env);
    expect(stderr, stderr).not.toMatch(/^error/m);
    expect(code).toBe(0);
  }

  const write = (name: string) => writeFile(join(project.folder, "notebook", name), `${name}\n`);
  const arrives = (name: string) =>
    until(
      () =>
        remote.tip("main") !== undefined &&
        remote.git("ls-tree", "--name-only", "main").split("\n").includes(name),
      `${name} does not arrive`,
    );
  const killAgent = async () => {
    const { agent_pid: pid } = await project.workload("notebook");
    await killHard(pid ?? 0);
  };
  const expectNoLeak = async () => {
    for (const token of [first, second]) {
      const found = await findInFiles(project.folder, token);
      expect(found.filter((path) => path !== join(project.folder, "token.txt"))).toEqual([]);
    }
  };

  test("F10: its file changed: what was refused arrives; and again after the agent's death", async () => {
    await bringUp("{ file: token.txt }");
    await write("one.txt");
    await arrives("one.txt");
    remote.allow(second);
    await write("two.txt");
    await project.until("notebook", ({ save }) => typeof save?.problem === "string");
    await writeFile(join(project.folder, "token.txt"), second);
    await arrives("two.txt");
    await killAgent();
    await write("three.txt");
    await arrives("three.txt");
    await expectNoLeak();
  });

  test("given by a variable: the gateway, which does not have it, hands on what it was told", async () => {
    await bringUp("{ env: GIT_TOKEN }", { GIT_TOKEN: first });
    await write("one.txt");
    await arrives("one.txt");
    const gateway = socketPath(join(project.folder, ".sesta"), "gateway");
    await ask(gateway, "token", { secret: "git_token", value: first });
    await killAgent();
    await write("two.txt");
    await arrives("two.txt");
    await expectNoLeak();
  });
});
