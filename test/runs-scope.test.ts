// Where systemd runs the machine, a run gets a scope of its own, which outlives the login; where that fails, it runs all
// the same. systemd itself is played here: no machine of the tests is run by it.
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildRunFiles } from "../src/commands/run-files.ts";
import { root } from "./support/source-files.ts";

const canMount = spawnSync("unshare", ["-m", "sh", "-c", "mount -t tmpfs none /run"]).status === 0;
if (!canMount) console.log("skipped: no mount namespace can be made here");

describe.skipIf(!canMount)("a run under systemd", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "sesta-scope-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** @param systemdRun the body of a stand-in that has its arguments in $@ */
  function begin(systemdRun: string): { said: string; run: string } {
    const [bin, run] = [join(folder, "bin"), join(folder, "runs", "train-1-abcd")];
    mkdirSync(bin);
    mkdirSync(join(run, "work"), { recursive: true });
    const files = buildRunFiles({
      spec: {
        slots: "none",
        timeoutS: 0,
        retries: 0,
        delayS: 1,
        graceS: 1,
        gatherS: 0,
        engine: "",
        container: "",
        stdoutFile: "",
      },
      env: {},
      path: [],
      argv: ["echo", "ran"],
      links: [],
      gpu: false,
    });
    for (const [name, text] of Object.entries(files)) writeFileSync(join(run, name), text);
    writeFileSync(join(bin, "systemd-run"), `#!/bin/sh\necho "$@" >>${folder}/said\n${systemdRun}\n`);
    writeFileSync(join(bin, "loginctl"), "#!/bin/sh\necho yes\n");
    for (const name of ["systemd-run", "loginctl"]) chmodSync(join(bin, name), 0o755);
    const script = `mount -t tmpfs none /run && mkdir -p /run/systemd/system && PATH=${bin}:$PATH sh ${root}/src/machine/runs/begin.sh ${run}`;
    expect(spawnSync("unshare", ["-m", "sh", "-c", script]).status).toBe(0);
    while (!existsSync(join(run, "ended")));
    return { said: readFileSync(join(folder, "said"), "utf8"), run };
  }

  const command = 'while [ "${1#--}" != "$1" ]; do shift; done; exec "$@"';

  test("it is started in a scope", () => {
    const { said, run } = begin(command);
    expect(said.trim().split("\n").at(-1)).toMatch(
      /^--(?:system|user) --scope --quiet --collect sh .*supervise\.sh /,
    );
    expect(readFileSync(join(run, "ended"), "utf8")).toContain("code=0");
    expect(readFileSync(join(run, "output"), "utf8")).toBe("ran\n");
  });

  test("a manager that refuses changes nothing for the run", () => {
    const { said, run } = begin("exit 1");
    expect(said).toContain("--scope");
    expect(readFileSync(join(run, "output"), "utf8")).toBe("ran\n");
  });
});
