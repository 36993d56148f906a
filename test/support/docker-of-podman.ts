// A docker of a test's own, without a daemon: podman behind docker's name and docker's socket, and an image's sources.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { until } from "../faults/support/processes.ts";
import { findMissingPackage } from "./debian-package.ts";

/** crun, Debian's default, cannot set cgroups up in some containers; nor can every limit be raised there. */
const settings = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
`;

/** Why there is none here. */
export function findMissingPodman(folder: string): string | undefined {
  const works = (program: string) => () => spawnSync(program, ["--version"]).status === 0;
  return (
    findMissingPackage("podman", works("podman")) ??
    findMissingPackage("runc", works("runc")) ??
    findMissingPackage("catatonit", works("catatonit")) ??
    findMissingPackage("busybox-static", () => existsSync("/bin/busybox")) ??
    findBroken(folder)
  );
}

/** @param folder a scratch folder; the sources of an image with a shell and its tools go into `sources` */
export async function startDocker(folder: string, sources: string) {
  const env = writeDocker(folder);
  const socket = join(folder, "docker.sock");
  const service = spawn("podman", ["system", "service", "--time=0", `unix://${socket}`], {
    env,
    stdio: "ignore",
  });
  await until(
    () => existsSync(socket) || service.exitCode !== null,
    () => "podman system service does not start",
  );
  writeImage(sources);
  return {
    env: { ...env, DOCKER_HOST: `unix://${socket}` },
    end: () => void service.kill("SIGTERM"),
  };
}

function writeDocker(folder: string): NodeJS.ProcessEnv {
  const bin = join(folder, "bin");
  mkdirSync(bin, { recursive: true });
  writeFileSync(join(bin, "docker"), '#!/bin/sh\nexec podman "$@"\n', { mode: 0o755 });
  writeFileSync(join(folder, "containers.conf"), settings);
  return {
    ...process.env,
    PATH: [bin, process.env["PATH"]].join(delimiter),
    CONTAINERS_CONF: join(folder, "containers.conf"),
  };
}

function writeImage(sources: string): void {
  mkdirSync(sources, { recursive: true });
  copyFileSync("/bin/busybox", join(sources, "busybox"));
  const tools = ["sh", "cat", "ls", "mkdir", "pwd", "sleep"]
    .map((name) => `COPY busybox /bin/${name}\n`)
    .join("");
  writeFileSync(join(sources, "Dockerfile"), `FROM scratch\n${tools}ENV PATH=/bin\n`);
}

/** A container that runs says more than a version. */
function findBroken(folder: string): string | undefined {
  const env = writeDocker(folder);
  const sources = join(folder, "probe");
  writeImage(sources);
  const built = spawnSync("podman", ["build", "-q", "-t", "sesta-probe", sources], { env, encoding: "utf8" });
  const ran = spawnSync("podman", ["run", "--rm", "--init", "sesta-probe", "sh", "-c", ":"], {
    env,
    encoding: "utf8",
  });
  if (ran.status === 0) return undefined;
  return `podman runs no container here: ${(built.status === 0 ? ran : built).stderr.trim().split("\n").at(-1)}`;
}
