// The command line with a person in front of it: questions and answers, and Ctrl-C.
import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { hasTerminal, makeScratch, removeScratch, runCli, runOnTerminal, startCli } from "./support/cli.ts";

const folders: string[] = [];
afterAll(() => folders.forEach(removeScratch));
function scratch(yaml?: string): string {
  const folder = makeScratch(yaml);
  folders.push(folder);
  return folder;
}
const yaml = "name: vision-team\nworkloads:\n  notebook: { type: lab }\n";
if (!hasTerminal) console.log("skipped: python3 cannot open a pseudo-terminal here");

describe.skipIf(!hasTerminal)("init on a terminal", () => {
  const enter = "\r";

  test("asks, writes what was answered, and that is a project", async () => {
    const folder = scratch();
    const { code, screen } = runOnTerminal(["init"], folder, [
      ["What is the project called?", `-two${enter}`],
      ["with a password?", enter],
      ["Which environment variable", enter],
      ["After how long", enter],
      ["Python packages", `pandas scikit-learn${enter}`],
    ]);
    expect([code, screen.includes("next:")]).toEqual([0, true]);
    const written = readFileSync(join(folder, "sesta.yaml"), "utf8");
    expect(written).toMatch(/^name: sesta-cli-\w+-two$/m);
    expect(written).toContain("TEAM_PASS");
    expect(written).toContain("packages: [pandas, scikit-learn]");
    expect(await runCli(["plan"], folder, { TEAM_PASS: "x-password" })).toMatchObject({ code: 0 });
  });

  test("without a password the lab opens only for its owner", () => {
    const folder = scratch();
    const { code } = runOnTerminal(["init"], folder, [
      ["What is the project called?", enter],
      ["with a password?", `n`],
      ["After how long", enter],
      ["Python packages", enter],
    ]);
    expect([code, readFileSync(join(folder, "sesta.yaml"), "utf8")]).toEqual([
      0,
      expect.not.stringMatching(/^ +password:/m),
    ]);
  });

  test("Ctrl-C at a question ends with 130 and writes nothing", () => {
    const folder = scratch();
    const { code } = runOnTerminal(["init"], folder, [["What is the project called?", "\u0003"]]);
    expect([code, readdirSync(folder)]).toEqual([130, []]);
  });

  test("an answer that no project can have is asked for again at once", () => {
    const folder = scratch();
    const back = "\u007f".repeat(60);
    const { code } = runOnTerminal(["init"], folder, [
      ["What is the project called?", ` Team${enter}`],
      ["Expected a name of 3 to 40", `${back}vision-team${enter}`],
      ["with a password?", "n"],
      ["After how long", ` or so${enter}`],
      ["Expected a duration like 40m", `${back}1h${enter}`],
      ["Python packages", `-r${enter}`],
      ["Expected a package like pandas", `${back}pandas==2${enter}`],
    ]);
    expect(code).toBe(0);
    const written = readFileSync(join(folder, "sesta.yaml"), "utf8");
    expect(written).toMatch(/^name: vision-team$/m);
    expect(written).toMatch(/^ +idle: 1h /m);
    expect(written).toContain('packages: ["pandas==2"]');
  });
});

describe.skipIf(!hasTerminal)("up on a terminal", () => {
  test("shows the plan and asks; no is no, and nothing was made", () => {
    const folder = scratch(yaml);
    const { code, screen } = runOnTerminal(["up"], folder, [["Do this?", "n"]]);
    expect([code, /notebook.* on local: create/.test(screen)]).toEqual([0, true]);
    expect([existsSync(join(folder, "notebook")), existsSync(join(folder, ".sesta", "agent"))]).toEqual([
      false,
      false,
    ]);
  });

  test("Ctrl-C at its question ends with 130", () => {
    const folder = scratch(yaml);
    expect(runOnTerminal(["up"], folder, [["Do this?", "\u0003"]]).code).toBe(130);
    expect(existsSync(join(folder, "notebook"))).toBe(false);
  });

  test("status shows colours there, unless they are not wanted", () => {
    const folder = scratch(yaml);
    const coloured = (env: NodeJS.ProcessEnv) =>
      runOnTerminal(["status"], folder, [], env).screen.includes("\u001b[2m");
    expect([coloured({}), coloured({ NO_COLOR: "1" }), coloured({ TERM: "dumb" })]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

test.skipIf(!hasTerminal)("the command of a secret may ask on the terminal", () => {
  const folder = scratch(`name: vision-team
secrets:
  token: { command: "printf Which? >/dev/tty; read -r word </dev/tty; echo $word" }
workloads:
  tell: { type: job, run: 'echo "it is $TOKEN" | tr a-z A-Z', env: { TOKEN: "\${secret.token}" } }
`);
  const { code, screen } = runOnTerminal(["run", "tell", "-y"], folder, [["Which?", "swordfish\r"]], {
    HOME: join(folder, "home"),
  });
  expect([code, screen.includes("IT IS SWORDFISH")], screen).toEqual([0, true]);
});

test.each([["status"], ["status", "--watch"]])(
  "%s: a reader that leaves, as `head` does, is no error",
  async (...argv) => {
    const child = startCli(argv, scratch(yaml));
    let stderr = "";
    child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
    child.stdout.destroy();
    const [code] = (await once(child, "close")) as [number | null];
    expect([code, stderr]).toEqual([argv.length === 1 ? 0 : 130, ""]);
  },
);

describe("Ctrl-C", () => {
  test.each(["SIGINT", "SIGTERM"] as const)(
    "%s ends status --watch with 130 and says nothing more",
    async (signal) => {
      const child = startCli(["status", "--watch"], scratch(yaml));
      let stderr = "";
      child.stderr.on("data", (text: Buffer) => (stderr += text.toString()));
      await once(child.stdout, "data");
      child.kill(signal);
      expect([await once(child, "close"), stderr]).toEqual([[130, null], ""]);
    },
  );

  test.skipIf(!hasTerminal)("typed on a terminal", () => {
    expect(runOnTerminal(["status", "--watch"], scratch(yaml), [["notebook", "\u0003"]]).code).toBe(130);
  });

  test("ends logs -f with 130, after what was there and what came", async () => {
    const folder = scratch(yaml);
    const logs = join(folder, ".sesta", "agent", "logs");
    mkdirSync(logs, { recursive: true });
    writeFileSync(join(logs, "notebook.log"), "one\ntwo\nthree\n");
    const child = startCli(["logs", "notebook", "-f", "-n", "2"], folder);
    const seen = { text: "" };
    child.stdout.on("data", (text: Buffer) => (seen.text += text.toString()));
    while (seen.text !== "two\nthree\n") await once(child.stdout, "data");
    appendFileSync(join(logs, "notebook.log"), "four\n");
    while (!seen.text.endsWith("four\n")) await once(child.stdout, "data");
    child.kill("SIGINT");
    expect([await once(child, "close"), seen.text]).toEqual([[130, null], "two\nthree\nfour\n"]);
  });
});
