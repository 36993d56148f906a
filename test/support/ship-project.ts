// A project whose pipeline builds, pushes and deploys a service in a container, in a repository and with a home of its own.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Podman } from "./podman.ts";
import { createScratchProject, freePort, type Ran, type ScratchProject } from "./scratch-project.ts";

const dockerfile = `FROM scratch
COPY busybox /bin/busybox
COPY busybox /bin/sh
ENV PATH=/bin
COPY version /w/version
CMD ["sh", "-c", "exec busybox httpd -f -p $PORT -h /w"]
`;

export type ShipProject = ScratchProject & {
  port: number;
  home: string;
  /** @returns the commit */
  commit(version: string): string;
  /** `pipeline run`; what it printed, and its stages. */
  ship(
    argv?: readonly string[],
    env?: NodeJS.ProcessEnv,
    pipeline?: string,
  ): Promise<Ran & { stages: Stage[] }>;
};

type Stage = { name: string; state: string; why: string | null; log: string | null };

/** @param lines of sesta.yaml beside the service `web` @param folder for its home and cache */
export async function createShipProject(
  folder: string,
  podman: Podman,
  lines: readonly string[],
): Promise<ShipProject> {
  const port = await freePort();
  const home = join(folder, "home");
  mkdirSync(home, { recursive: true });
  const yaml = [
    "name: shipped",
    "workloads:",
    `  web: { type: service, build: ., port: ${port}, health: /version, stop: 2s }`,
    ...lines,
    "",
  ].join("\n");
  const variables = { ...podman.variables, HOME: home, SESTA_CACHE: join(folder, "cache") };
  const project = await createScratchProject(yaml, variables);
  const put = (name: string, text: string) => writeFileSync(join(project.folder, name), text);
  copyFileSync("/bin/busybox", join(project.folder, "busybox"));
  chmodSync(join(project.folder, "busybox"), 0o755);
  put("Dockerfile", dockerfile);
  const git = (...operands: string[]) => {
    const who = ["-c", "user.name=Somebody", "-c", "user.email=somebody@example.org"];
    const env = { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null" };
    return execFileSync("git", ["-C", project.folder, ...who, ...operands], { encoding: "utf8", env }).trim();
  };
  git("init", "--quiet", "--initial-branch=main");
  return {
    ...project,
    port,
    home,
    commit(version) {
      put("version", version);
      git("add", "--all");
      git("commit", "--quiet", "--allow-empty", "--message", version);
      return git("rev-parse", "HEAD");
    },
    async ship(argv = [], env = {}, pipeline = "ship") {
      const ran = await project.sesta(["pipeline", "run", pipeline, "--json", "-y", ...argv], env);
      const { stages } = JSON.parse(ran.stdout === "" ? '{"stages":[]}' : ran.stdout) as { stages: Stage[] };
      return { ...ran, stages };
    },
  };
}
