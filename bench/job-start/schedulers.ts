// SkyPilot and dstack: what keeps them from running a job on an SSH host here, and how long their commands take to start.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { timeCommand, type Box } from "../support/box.ts";
import { makePythonPeer } from "../support/python-peer.ts";

export type Scheduler = {
  name: string;
  /** What its own documentation asks of an SSH host, and is not there. */
  lacks: readonly string[];
  /** From start to end of `--help`, in ms. */
  help(): Promise<number>;
};

/** `sky ssh up` installs k3s with its script (docs.skypilot.co, "Deploy SkyPilot on existing machines"). */
export function findSkyPilot(uv: string, box: Box): Scheduler {
  const peer = makePythonPeer(uv, ["skypilot[ssh]==0.14.1"]);
  const lacks = [
    ...(reaches("https://get.k3s.io")
      ? []
      : ["https://get.k3s.io, from which k3s is installed, is not reached"]),
    ...findMissingSystemd("the k3s service"),
  ];
  return { name: "sky --help", lacks, help: () => start([join(peer, "bin/sky"), "--help"], box) };
}

/** Its fleets of SSH hosts need Docker, and its shim is a service of systemd (dstack.ai/docs, "SSH fleets"). */
export function findDstack(uv: string, box: Box): Scheduler {
  const peer = makePythonPeer(uv, ["dstack[all]==0.22.5"]);
  const docker = spawnSync("docker", ["version", "--format", "{{.Server.Version}}"], { encoding: "utf8" });
  const lacks = [
    ...(docker.status === 0
      ? []
      : [`Docker does not answer: ${docker.error?.message ?? docker.stderr.trim().split("\n").at(-1)}`]),
    ...findMissingSystemd("its shim"),
  ];
  return { name: "dstack --help", lacks, help: () => start([join(peer, "bin/dstack"), "--help"], box) };
}

function findMissingSystemd(what: string): string[] {
  return existsSync("/run/systemd/system") ? [] : [`systemd does not run, and ${what} is a service of it`];
}

function reaches(address: string): boolean {
  return spawnSync("curl", ["-fsS", "-o", "/dev/null", "--max-time", "15", address]).status === 0;
}

function start(argv: readonly string[], { folder, env }: Box): Promise<number> {
  return timeCommand(argv, {
    env: { ...env, HOME: join(folder, "home-of-peers"), SKYPILOT_DISABLE_USAGE_COLLECTION: "1" },
  });
}
