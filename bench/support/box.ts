// An sshd on loopback with a home of its own, and a project whose target it is, driven by the published form of Sesta.
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { buildControl } from "../../src/commands/ssh.ts";
import { resolveRoute } from "../../src/machine/ssh/access.ts";
import { endAll } from "../../test/faults/support/processes.ts";
import { findMissingSshd, startSshServer } from "../../test/support/ssh-server.ts";

export type Box = Awaited<ReturnType<typeof createBox>>;

const root = join(import.meta.dirname, "..", "..");

/** Bundles Sesta as it is published. */
export function buildSesta(): void {
  const built = spawnSync(process.execPath, [join(root, "scripts", "build.ts")], { encoding: "utf8" });
  if (built.status !== 0) throw new Error(built.stderr);
}

export async function createBox(name: string) {
  const missing = findMissingSshd();
  if (missing !== undefined) throw new Error(missing);
  buildSesta();
  const folder = mkdtempSync(join(tmpdir(), `sesta-${name}-`));
  chmodSync(folder, 0o700);
  const main = join(folder, "sesta"); // of its own, so that a build elsewhere does not take it away
  cpSync(join(root, "dist"), main, { recursive: true });
  writeFileSync(join(main, "package.json"), '{ "type": "module" }');
  const server = await startSshServer(folder);
  const project = join(folder, "project");
  mkdirSync(project);
  const host = {
    name: "box",
    host: "127.0.0.1",
    port: server.port,
    user: userInfo().username,
    key: server.key,
  };
  const { PYTHONDONTWRITEBYTECODE: _, ...inherited } = process.env;
  const env: NodeJS.ProcessEnv = { ...inherited, SESTA_CACHE: join(folder, "cache") };
  const stateFolder = join(project, ".sesta");
  const access = { host, folder: project, stateFolder, env };
  const route = resolveRoute(access);
  const [ssh, ...exit] = buildControl(route, "exit");
  return {
    folder,
    project,
    server,
    env,
    access,
    route,
    /** @param jobs what stands under `workloads:`, two spaces deep; their target is `box` */
    describe(jobs: string): void {
      const targets = `targets: { box: { type: ssh, hosts: [${JSON.stringify(host)}] } }`;
      writeFileSync(join(project, "sesta.yaml"), `name: ${name}\n${targets}\nworkloads:\n${jobs}`);
    },
    /** From its start to its end, in ms, or to the first bytes on its standard output. */
    sesta: (argv: readonly string[], until: Until = "end") =>
      timeCommand([process.execPath, join(main, "main.js"), ...argv], { cwd: project, env, until }),
    /** The connection that Sesta's commands share ends. */
    disconnect: () => void spawnSync(ssh, exit),
    /** Sesta was never on the machine; its key stays pinned and its code compiled. */
    forget(): void {
      rmSync(join(server.home, ".sesta"), { recursive: true, force: true });
      for (const entry of existsSync(stateFolder) ? readdirSync(stateFolder) : [])
        if (entry !== "known_hosts" && !entry.endsWith(".sock"))
          rmSync(join(stateFolder, entry), { recursive: true });
      rmSync(join(project, "results"), { recursive: true, force: true });
    },
    async end(): Promise<void> {
      await endAll(folder);
      await server.end();
      rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 });
    },
  };
}

export type Until = "end" | "output";

/** @throws Error with what it printed, when it ends with another code than 0 */
export function timeCommand(
  [program = "", ...operands]: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; input?: string; until?: Until } = {},
): Promise<number> {
  const began = performance.now();
  const child = spawn(program, operands, {
    ...(options.cwd !== undefined && { cwd: options.cwd }),
    env: options.env ?? process.env,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let said = "";
  let answeredMs: number | undefined;
  const read = (text: string) => (said = (said + text).slice(-4_000));
  child.stderr.setEncoding("utf8").on("data", read);
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    answeredMs ??= performance.now() - began;
    read(text);
  });
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      const tookMs = performance.now() - began;
      if (code === 0) resolve(options.until === "output" ? (answeredMs ?? Number.NaN) : tookMs);
      else reject(new Error(`${program} ${operands.join(" ")} ended with ${code}: ${said}`));
    });
  });
}
