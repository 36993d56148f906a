// Debian's podman with images and settings of a test's own.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findMissingPackage } from "./debian-package.ts";

/** Why there is none; undefined when it is there. Whether it can make containers here, only a try tells. */
export function findMissingPodman(): string | undefined {
  if (process.getuid?.() !== 0) return "podman is only tested as root";
  const works = (program: string) => () => spawnSync(program, ["--version"]).status === 0;
  return (
    findMissingPackage("iptables", () => existsSync("/usr/sbin/iptables")) ??
    findMissingPackage("runc", works("runc")) ??
    findMissingPackage("catatonit", () => existsSync("/usr/bin/catatonit")) ??
    findMissingPackage("podman", works("podman"))
  );
}

export type Podman = ReturnType<typeof createPodman>;

/** @param folder a scratch folder; crun, and limits above these, do not work in every sandbox */
export function createPodman(folder: string) {
  const [conf, storage] = [join(folder, "containers.conf"), join(folder, "storage.conf")];
  mkdirSync(folder, { recursive: true });
  writeFileSync(
    conf,
    [
      "[containers]",
      'default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]',
      "[engine]",
      'runtime = "runc"',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
      "",
    ].join("\n"),
  );
  writeFileSync(
    storage,
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/graph"\nrunroot = "${folder}/run"\n`,
  );
  const variables = { CONTAINERS_CONF: conf, CONTAINERS_STORAGE_CONF: storage };
  const run = (...argv: string[]) =>
    spawnSync("podman", argv, { encoding: "utf8", env: { ...process.env, ...variables } });
  return {
    /** What leads every podman to them. */
    variables,
    run,
    /** @throws Error with podman's words */
    must(...argv: string[]): string {
      const { status, stdout, stderr } = run(...argv);
      if (status !== 0) throw new Error(`podman ${argv.join(" ")}: ${stderr}`);
      return stdout.trim();
    },
    end(): void {
      run("rm", "-af");
      run("rmi", "-af");
      spawnSync("umount", ["-l", join(folder, "graph", "overlay")]);
    },
  };
}
