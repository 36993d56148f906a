// The real executable in a process of its own: run to its end, held while it runs, or on a pseudo-terminal.
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./source-files.ts";

export type Ran = { code: number; stdout: string; stderr: string };

export const executable = join(root, "bin", "sesta");

export function makeScratch(yaml?: string): string {
  const folder = mkdtempSync(join(tmpdir(), "sesta-cli-"));
  if (yaml !== undefined) writeFileSync(join(folder, "sesta.yaml"), yaml);
  return folder;
}

export function removeScratch(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
}

/** Nothing on stdin; what was set for colours and terminals is gone unless `env` says it. */
export function runCli(argv: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(executable, argv, {
    cwd,
    env: { ...plainEnv(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code: code ?? 128, stdout, stderr }));
  });
}

export function startCli(argv: readonly string[], cwd: string): ChildProcessWithoutNullStreams {
  return spawn(executable, argv, { cwd, env: plainEnv() });
}

export type Typed = readonly [waitFor: string, type: string];

/** Types each answer once its question is on the screen. Undefined where Python cannot open a pseudo-terminal. */
export function runOnTerminal(
  argv: readonly string[],
  cwd: string,
  typed: readonly Typed[],
  env: NodeJS.ProcessEnv = {},
) {
  const { status, stdout, stderr } = spawnSync(
    "python3",
    ["-c", terminal, JSON.stringify(typed), executable, ...argv],
    {
      cwd,
      env: { ...plainEnv(), TERM: "xterm-256color", ...env },
      encoding: "utf8",
    },
  );
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as { screen: string; code: number };
}

export const hasTerminal = spawnSync("python3", ["-c", "import pty; pty.openpty()"]).status === 0;

function plainEnv(): NodeJS.ProcessEnv {
  const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, NODE_OPTIONS: ____, ...env } = process.env;
  return env;
}

const terminal = `
import fcntl, json, os, pty, struct, sys, termios
typed, argv = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
seen, at = b"", 0
def more():
    global seen
    try: chunk = os.read(fd, 65536)
    except OSError: chunk = b""
    seen += chunk
    return chunk != b""
for question, answer in typed:
    while (found := seen.find(question.encode(), at)) < 0:
        if not more(): sys.exit("never asked: " + question + "\\n" + seen.decode(errors="replace"))
    at = found + len(question.encode())
    os.write(fd, answer.encode())
while more(): pass
print(json.dumps({"screen": seen.decode(errors="replace"), "code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}))
`;
