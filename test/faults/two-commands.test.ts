// Many commands at once on one project: one works, the others are told who does, and a killed one blocks nobody.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { sestaProgram } from "../support/published-form.ts";
import { quiet, sesta, type Ran } from "./support/command-line.ts";
import { killHard, until } from "./support/processes.ts";

describe("twenty commands at once", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sesta-crowd-"));
    const command = "while [ ! -e go ]; do sleep 0.05; done; echo enough";
    writeFileSync(
      join(folder, "sesta.yaml"),
      `name: crowd\nsecrets: { pass: { command: "${command}" } }\nworkloads:\n  notebook: { type: lab, password: "\${secret.pass}" }\n`,
    );
  });
  afterEach(async () => {
    writeFileSync(join(folder, "go"), "");
    await sesta(folder, "down", "-y");
    rmSync(folder, { recursive: true, force: true });
  });

  test(
    "F20, F17: one works, the others exit 75 and name it; killed, it leaves nothing locked",
    { timeout: 120_000 },
    async () => {
      const first = spawn(process.execPath, [quiet, sestaProgram, "up", "-y", "-C", folder], {
        stdio: "ignore",
      });
      await until(() => existsSync(join(folder, ".sesta", "verb.json")), "nobody has the lock");
      const others = await Promise.all(Array.from({ length: 20 }, () => sesta(folder, "up", "-y")));
      expect([...new Set(others.map(({ code }) => code))]).toEqual([75]);
      for (const { stderr } of others) {
        expect(stderr).toMatch(
          new RegExp(
            `^error: \`sesta up\` \\(process ${first.pid}, for \\d+ s\\) is changing this project$`,
            "m",
          ),
        );
      }
      expectBusy(await sesta(folder, "down", "-y"));
      await killHard(first.pid ?? 0);
      mkdirSync(join(folder, "notebook"), { recursive: true });
      const next = sesta(folder, "down", "-y");
      expect((await next).code).toBe(0);
    },
  );
});

function expectBusy({ code, stderr }: Ran): void {
  expect([code, stderr.includes("is changing this project")]).toEqual([75, true]);
}
