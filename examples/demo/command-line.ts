// Runs `sesta` as a person would, in a folder of a project, and shows what it says.
import { spawn } from "node:child_process";
import { join } from "node:path";
import type { Stage } from "./stage.ts";

const program = join(import.meta.dirname, "..", "..", "bin", "sesta");

export type CommandLine = {
  /** Of the project. */
  folder: string;
  /** What it wrote to stdout. @throws Error when it fails */
  run(argv: readonly string[], options?: RunOptions): Promise<string>;
  /** The one document of `--json`, without showing anything. */
  json(argv: readonly string[]): Promise<unknown>;
};

/** `unstoppable`: not ended by the signal, for the clean-up. */
type RunOptions = { quiet?: boolean; unstoppable?: boolean; doing?: string };

/** @param live whether the command may draw its own progress on stderr */
export function createCommandLine(
  stage: Stage,
  {
    folder,
    env,
    live,
    signal,
  }: { folder: string; env: NodeJS.ProcessEnv; live: boolean; signal: AbortSignal },
): CommandLine {
  async function run(
    argv: readonly string[],
    { quiet = false, unstoppable = false, doing }: RunOptions = {},
  ) {
    if (!quiet) stage.command(`sesta ${argv.join(" ")}`);
    const ran = spawned(argv, quiet, unstoppable);
    // On a terminal the command shows its own progress.
    const { code, stdout, stderr } =
      quiet || live ? await ran : await stage.waiting(doing ?? `sesta ${argv[0]} is at it`, ran);
    if (!unstoppable) signal.throwIfAborted();
    if (code !== 0) {
      const said = quiet ? `\n${stderr.trimEnd()}` : "; see above";
      throw new Error(`\`sesta ${argv.join(" ")}\` ended with exit code ${code}${said}`);
    }
    return stdout;
  }

  function spawned(argv: readonly string[], quiet: boolean, unstoppable: boolean): Promise<Ran> {
    return new Promise((resolve, reject) => {
      const draws = live && !quiet;
      // In a session of its own: Ctrl-C comes to the demo alone, which then ends the command in order.
      const child = spawn(program, argv, {
        cwd: folder,
        env,
        detached: true,
        stdio: ["ignore", "pipe", draws ? "inherit" : "pipe"],
      });
      const [out, err] = [collect(quiet ? undefined : stage), collect(quiet ? undefined : stage)];
      child.stdout?.setEncoding("utf8").on("data", out.add);
      child.stderr?.setEncoding("utf8").on("data", err.add);
      const interrupt = () => void child.kill("SIGINT");
      if (!unstoppable) signal.addEventListener("abort", interrupt, { once: true });
      child.once("error", reject);
      child.once("close", (code) => {
        signal.removeEventListener("abort", interrupt);
        resolve({ code: code ?? 128, stdout: out.end(), stderr: err.end() });
      });
    });
  }

  return { folder, run, json: async (argv) => JSON.parse(await run([...argv, "--json"], { quiet: true })) };
}

type Ran = { code: number; stdout: string; stderr: string };

/** Shows whole lines as they come. */
function collect(stage: Stage | undefined): { add(text: string): void; end(): string } {
  let [all, rest] = ["", ""];
  return {
    add(text) {
      all += text;
      rest += text;
      const end = rest.lastIndexOf("\n") + 1;
      if (end > 0) stage?.output(rest.slice(0, end));
      rest = rest.slice(end);
    },
    end() {
      if (rest !== "") stage?.output(rest);
      return all;
    },
  };
}
