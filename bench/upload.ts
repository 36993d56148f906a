// 10,000 small files and one of 1 GB to a machine over SSH: Sesta's upload by rsync and by tar beside plain `rsync -a`.
// `node bench/upload.ts [ROUNDS]`; 3 rounds, interleaved: first, unchanged, and with 1% changed. Needs OpenSSH, rsync, tar.
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../src/base/clock.ts";
import { buildRsyncShell } from "../src/commands/ssh.ts";
import { findHostKey, pinHostKey } from "../src/machine/ssh/host-key.ts";
import { createSshMachine } from "../src/machine/ssh/ssh.ts";
import { hashFiles } from "../src/operations/jobs/hash-files.ts";
import { findMissingPackage } from "../test/support/debian-package.ts";
import { createBox, timeCommand } from "./support/box.ts";
import { buildTable, interleave } from "./support/spread.ts";
import { makeLarge, makePathWithoutRsync, makeSmall, type Tree } from "./upload/trees.ts";

const rounds = Number(process.argv[2] ?? 3);
const missing = findMissingPackage("rsync", () => spawnSync("rsync", ["--version"]).status === 0);
if (missing !== undefined) {
  console.error(`skipped: ${missing}`);
  process.exit(0);
}
const box = await createBox("bench-upload");
try {
  const { access, route, server, folder } = box;
  await pinHostKey(access, (await findHostKey(access)).line);
  const withTar = {
    ...access,
    env: { ...access.env, PATH: makePathWithoutRsync(join(folder, "bin"), access.env["PATH"] ?? "") },
  };
  const machines = { rsync: createSshMachine(access), tar: createSshMachine(withTar) };
  await machines.rsync.run(["true"]);
  for (const make of [makeSmall, makeLarge]) {
    const tree = make(join(folder, "tree"));
    const there = (name: string) => join(server.home, name);
    const subjects: [name: string, act: () => Promise<number>][] = [
      [
        "rsync -a",
        () =>
          timeCommand([
            "rsync",
            "-a",
            "-e",
            buildRsyncShell(route),
            `${tree.folder}/`,
            `${access.host.host}:${there("plain")}/`,
          ]),
      ],
      ...(["rsync", "tar"] as const).map((how): [string, () => Promise<number>] => [
        `Sesta's upload by ${how}`,
        () => timed(() => machines[how].upload(tree, there(how))),
      ]),
      ["Sesta's hashes, to tell what it is", () => timed(() => hash(tree))],
    ];
    const cache = join(folder, "hashes.json");
    const hash = ({ folder: from, files }: Tree) => hashFiles(from, files, cache, systemClock);
    const states: [string, () => void][] = [
      [
        "first",
        () => {
          for (const name of ["plain", "rsync", "tar"]) rmSync(there(name), { recursive: true, force: true });
          rmSync(cache, { force: true });
        },
      ],
      ["unchanged", () => undefined],
      ["1% changed", () => tree.change()],
    ];
    const times = new Map<string, Map<string, number[]>>(states.map(([state]) => [state, new Map()]));
    for (let round = 0; round < rounds; round += 1) {
      for (const [state, prepare] of states) {
        prepare();
        for (const [name, took] of await interleave(1, subjects)) {
          const known = times.get(state);
          known?.set(name, [...(known.get(name) ?? []), ...took]);
        }
      }
    }
    for (const [state, took] of times) {
      console.log(
        `\n${tree.name}, ${state}; ${rounds} rounds, interleaved; the last column is beside rsync -a`,
      );
      console.log(buildTable(took, "ms", "rsync -a"));
    }
    rmSync(tree.folder, { recursive: true, force: true });
    for (const name of ["plain", "rsync", "tar"]) rmSync(there(name), { recursive: true, force: true });
  }
} finally {
  await box.end();
}

async function timed(act: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await act();
  return performance.now() - began;
}
