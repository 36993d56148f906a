// Tokens on their way from a secret to the agent: which, when, and that they are nowhere else.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { buildSaveReport, playAgent, type PlayedAgent } from "../../test/support/played-agent.ts";
import { createScratchContext, type ScratchContext } from "../../test/support/scratch-context.ts";
import { buildTinyLaunch } from "../../test/support/tiny-launch.ts";
import { redact } from "../base/redact.ts";
import { serveControl, socketPath } from "../machine/control-socket.ts";
import type { SaveRule } from "../model/launch.ts";
import type { Context } from "./context.ts";
import { shareTokens, supplyMissingTokens, supplyToken, supplyTokens } from "./tokens.ts";

const yaml = `name: team
secrets:
  from_env: { env: SESTA_TEST_TOKEN }
  from_file: { file: token.txt }
  broken: { command: "exit 3" }
workloads:
  notebook: { type: lab }
`;
const canary = "canary-91e0-token";
let scratch: ScratchContext;
let agent: PlayedAgent;

beforeEach(async () => {
  scratch = await createScratchContext(yaml, { SESTA_TEST_TOKEN: canary });
  writeFileSync(join(scratch.folder, "token.txt"), "the-token-of-the-file\n", { mode: 0o600 });
  mkdirSync(join(scratch.folder, ".sesta", "agent"), { recursive: true });
  agent = await playAgent(join(scratch.folder, ".sesta"), { stop: () => null });
});
afterEach(async () => {
  await agent.end();
  await scratch.end();
});

function place(name: string, token: string | undefined, placedAt: number | null = 1, context?: Context) {
  const save: SaveRule = {
    repo: "https://git.example/x.git",
    branch: "main",
    include: [],
    exclude: [],
    maxFileBytes: 1,
    everyMs: 1,
    lfs: false,
    ...(token === undefined ? {} : { token }),
  };
  const launch = buildTinyLaunch(name, { save });
  (context ?? scratch.context).state.saveWorkload({
    name,
    type: "lab",
    target: "local",
    launch,
    digest: "x",
    placedAt,
  });
}

test("every workload that is up gets its own; without a token, or while it is being placed, none", async () => {
  place("a", "from_env");
  place("b", "from_file");
  place("c", undefined);
  place("d", "from_env", null);
  expect(await supplyTokens(scratch.context)).toEqual([]);
  expect(agent.asked("token")).toEqual([
    { name: "a", value: canary },
    { name: "b", value: "the-token-of-the-file" },
  ]);
});

test("a variable that is not set is skipped quietly; a command that fails is told", async () => {
  place("a", "from_env");
  place("b", "broken");
  place("c", "gone-from-the-file");
  const context = await scratch.reopen(yaml, {});
  expect(await supplyTokens(context)).toMatchObject([{ workload: "b", error: { code: "SECRET_COMMAND" } }]);
  expect(await supplyTokens(context, ["a"])).toEqual([]);
  expect(agent.asked("token")).toEqual([]);
});

test("asked for by name, a variable that is not set is an error that names it", async () => {
  place("a", "from_env");
  const context = await scratch.reopen(yaml, {});
  await expect(supplyToken(context, "a")).rejects.toMatchObject({
    code: "SECRET_MISSING",
    message: expect.stringContaining("SESTA_TEST_TOKEN") as string,
  });
});

test("T4: more than one line is refused: git would read what follows as something else", async () => {
  place("a", "from_file");
  writeFileSync(join(scratch.folder, "token.txt"), "one\npassword=two\n");
  await expect(supplyToken(scratch.context, "a")).rejects.toMatchObject({ code: "SECRET_MISSING" });
  expect(agent.asked("token")).toEqual([]);
});

test("only those that the agent does not know yet", async () => {
  place("a", "from_env");
  place("b", "from_file");
  agent.report("a", { save: buildSaveReport() });
  agent.report("b", { save: buildSaveReport({ needsToken: true }) });
  await supplyMissingTokens(scratch.context);
  expect(agent.asked("token")).toEqual([{ name: "b", value: "the-token-of-the-file" }]);
  await supplyMissingTokens(scratch.context, ["a"]);
  expect(agent.asked("token")).toHaveLength(1);
});

test("the gateway is told what only the environment holds; without one nothing happens", async () => {
  place("a", "from_env");
  place("b", "from_file");
  await shareTokens(scratch.context);
  const told: unknown[] = [];
  const gateway = await serveControl(socketPath(join(scratch.folder, ".sesta"), "gateway"), {
    token: (params: unknown) => void told.push(params),
  });
  await shareTokens(scratch.context);
  await new Promise((resolve) => gateway.close(resolve));
  expect(told).toEqual([{ secret: "from_env", value: canary }]);
  expect(agent.asked("token")).toEqual([]);
});

test("T4: it is never printed, and in no file of the project", async () => {
  place("a", "from_env");
  await supplyToken(scratch.context, "a");
  expect(redact(`remote said ${canary}`)).not.toContain(canary);
  const paths = readdirSync(scratch.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  expect(paths.length).toBeGreaterThan(2);
  for (const path of paths) expect([path, readFileSync(path).includes(canary)]).toEqual([path, false]);
});
