// A machine's runs without Sesta: the scripts in a scratch folder, under a shell of the test's choice.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRunFiles, type RunOrder, type RunSpec } from "../../src/commands/run-files.ts";
import { parseRunFacts, type RunFacts } from "../../src/machine/runs/contact.ts";
import { endAll, killHard, until } from "../faults/support/processes.ts";
import { mountSmallDisk } from "../faults/support/small-disk.ts";
import { findMissingPackage } from "./debian-package.ts";
import { root } from "./source-files.ts";

export type ShellName = "dash" | "bash --posix" | "busybox";

const busybox = "/bin/busybox";

/** Why a shell cannot be tested here; undefined when it can. */
export function findMissingShell(name: ShellName): string | undefined {
  if (name === "busybox") {
    return findMissingPackage("busybox-static", () => spawnSync(busybox, ["sh", "-c", "true"]).status === 0);
  }
  return findProgram(name.split(" ")[0] ?? "") === undefined ? `${name} is not installed` : undefined;
}

export type RunRig = ReturnType<typeof createRunRig>;

export type Order = Partial<Omit<RunOrder, "spec">> & { spec?: Partial<RunSpec>; tree?: string };

/** @param diskBytes gives it a disk of its own, of that size; `scripts`: a folder with others than those of the checkout */
export function createRunRig(
  shell: ShellName,
  { diskBytes, scripts }: { diskBytes?: number; scripts?: string } = {},
) {
  // Every character that a shell could trip over is in the path.
  const folder = mkdtempSync(join(tmpdir(), "sesta-runs-"));
  const base = join(folder, "a b'c\"d $e*", ".sesta");
  const runs = join(base, "runs");
  const bin = join(folder, "bin");
  const disk = diskBytes === undefined ? undefined : mountSmallDisk(base, diskBytes);
  mkdirSync(runs, { recursive: true, mode: 0o700 });
  mkdirSync(bin);
  if (shell === "busybox") execFileSync(busybox, ["--install", "-s", bin]);
  else symlinkSync(findProgram(shell.split(" ")[0] ?? "") ?? "", join(bin, "sh"));
  const env = {
    HOME: join(base, ".."),
    PATH: shell === "busybox" ? bin : `${bin}:${process.env["PATH"]}`,
    MARK: folder,
  };
  const own = join(base, "bin", "own");
  mkdirSync(own, { recursive: true });
  cpSync(scripts ?? join(root, "src/machine/runs"), own, {
    recursive: true,
    filter: (path) => !path.endsWith(".ts"),
  });
  writeFileSync(join(own, "complete"), "");

  const script = (name: string, operands: readonly string[], input?: string) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const child = spawn(join(bin, "sh"), [join(own, name), ...operands], { env });
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
      child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
      child.stdin.end(input);
      child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
    });
  const follow = (id: string, name: string) => {
    const child = spawn(join(bin, "sh"), [join(own, "follow.sh"), join(runs, id), name, "1"], { env });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    const ended = new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
      child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr })),
    );
    return { ended, stderr: () => stderr, letGo: () => child.stdin.end() };
  };
  const file = (id: string, name: string) => join(runs, id, name);
  const read = (id: string, name: string) =>
    existsSync(file(id, name)) ? readFileSync(file(id, name), "utf8").trim() : undefined;
  const identity = (text: string | undefined) => {
    const [pid = "", start = ""] = (text ?? "").split(" ");
    return pid !== "" && startOf(Number(pid)) === start ? Number(pid) : undefined;
  };
  const claims = (id: string) =>
    (existsSync(join(runs, id)) ? readdirSync(join(runs, id)) : [])
      .filter((name) => name.startsWith("claim."))
      .toSorted();

  const rig = {
    folder,
    base,
    disk,
    runs,
    own,
    env,
    sh: join(bin, "sh"),
    script,
    /** Reads its output from the first byte on, until it is let go of. */
    follow,
    file,
    read,
    /** Only the files, as an upload brings them. @returns the folder that they are in */
    write(id: string, { spec, tree: _, ...order }: Order): string {
      const files = buildRunFiles({
        env: {},
        path: [],
        argv: ["true"],
        links: [],
        gpu: false,
        ...order,
        spec: {
          slots: "none",
          timeoutS: 0,
          retries: 0,
          delayS: 0,
          graceS: 1,
          gatherS: 0,
          engine: "",
          container: "",
          stdoutFile: "",
          ...spec,
        },
      });
      const folderOf = `.new-${id}.${Math.random().toString(36).slice(2, 10)}`;
      mkdirSync(join(runs, folderOf), { recursive: true, mode: 0o700 });
      for (const [name, text] of Object.entries(files))
        writeFileSync(join(runs, folderOf, name), text, { mode: 0o600 });
      return folderOf;
    },
    async submit(id: string, order: Order = {}) {
      const made = rig.write(id, order);
      return script("submit.sh", [runs, id, order.tree ?? "-", made]);
    },
    async contact(...ids: string[]): Promise<RunFacts[]> {
      const { stdout } = await script("contact.sh", [runs, ...ids]);
      return stdout
        .split("\n")
        .filter((line) => line !== "")
        .map(parseRunFacts);
    },
    async facts(id: string): Promise<RunFacts> {
      const [facts] = await rig.contact(id);
      if (!facts) throw new Error(`nothing is said of ${id}`);
      return facts;
    },
    /** Looks at the files alone: nobody gets a supervisor by that. */
    async untilEnded(id: string, limitMs = 45_000): Promise<string> {
      return until(
        () => read(id, "ended"),
        () => `${id} does not end: ${JSON.stringify(look(rig, id))}`,
        limitMs,
      );
    },
    untilFile: (id: string, name: string) => until(() => read(id, name), `${id} has no ${name}`),
    /** Asks until it has ended, as a person does who looks again and again. */
    async contactUntilEnded(id: string, limitMs = 45_000): Promise<RunFacts> {
      return until(
        async () => {
          const facts = await rig.facts(id);
          return facts.ended ? facts : undefined;
        },
        () => `${id} does not end: ${JSON.stringify(look(rig, id))}`,
        limitMs,
      );
    },
    stop: (id: string, word = "user") => script("tell.sh", [runs, id, "stop", word]),
    supervisor: (id: string) => identity(read(id, claims(id).at(-1) ?? "none")),
    program: (id: string) => identity(read(id, "program")),
    claims,
    async killSupervisor(id: string) {
      const pid = rig.supervisor(id);
      if (pid !== undefined) await killHard(pid);
      return pid;
    },
    lines: (name: string) =>
      existsSync(join(folder, name))
        ? readFileSync(join(folder, name), "utf8")
            .split("\n")
            .filter((line) => line !== "")
        : [],
    async end() {
      await endAll(folder);
      for (const pid of listMarked(folder)) await killHard(pid).catch(() => undefined);
      await endAll(folder);
      disk?.end();
      spawnSync("chmod", ["-R", "u+rwX", folder]);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
  return rig;
}

function look(rig: RunRig, id: string) {
  const names = existsSync(join(rig.runs, id)) ? readdirSync(join(rig.runs, id)) : [];
  const texts = ["program", "attempt", "place", "stop", "program.exit", "supervisor.log", "output"].map(
    (name) => [name, rig.read(id, name)?.slice(-500)],
  );
  return {
    names,
    ...Object.fromEntries(texts),
    supervisor: names.length > 0 ? rig.supervisor(id) : undefined,
  };
}

/** Processes that have this in their environment. */
export function listMarked(text: string): number[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/environ`, "latin1").includes(text)
        ? [Number(name)]
        : [];
    } catch {
      return [];
    }
  });
}

export function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function findProgram(name: string): string | undefined {
  return ["/bin", "/usr/bin"].map((place) => join(place, name)).find((path) => existsSync(path));
}
