// What a release has on its machine: its own copy of the tree, what its replicas are told in secret, its image.
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { writeAtomic } from "../../base/atomic-file.ts";
import { SestaError } from "../../base/errors.ts";
import type { Machine } from "../../machine/machine.ts";
import type { Certificate, NewRelease } from "../../model/release.ts";
import type { KeptRelease } from "../../state/release-state.ts";
import { askEngine } from "../container.ts";

export type ReleaseFolders = ReturnType<typeof createReleaseFolders>;

/** @param home the agent's folder */
export function createReleaseFolders(machine: Machine, home: string) {
  const ofService = (name: string) => join(home, "services", name);
  const folderOf = (name: string, number: number) => join(ofService(name), String(number));
  const treeOf = (name: string, number: number) => join(folderOf(name, number), "tree");

  return {
    treeOf,
    /** Whole or not at all; the tree is a copy that nobody else writes into. @throws SestaError TRANSFER */
    async make(
      name: string,
      number: number,
      { tree, env, certificate }: Pick<NewRelease, "tree" | "env" | "certificate">,
    ): Promise<void> {
      const folder = folderOf(name, number);
      const making = `${folder}.making`;
      await rm(making, { recursive: true, force: true });
      await mkdir(making, { recursive: true, mode: 0o700 });
      if (tree === null) await mkdir(join(making, "tree"));
      else await copy(machine, tree, join(making, "tree"));
      await writeAtomic(join(making, "env.json"), JSON.stringify(env));
      if (certificate) await writeAtomic(join(making, "certificate.json"), JSON.stringify(certificate));
      await rm(folder, { recursive: true, force: true });
      await rename(making, folder);
    },
    /** Null where it has none. */
    async readCertificate(name: string, number: number): Promise<Certificate | null> {
      const text = await readFile(join(folderOf(name, number), "certificate.json"), "utf8").catch(
        () => "null",
      );
      return JSON.parse(text) as Certificate | null;
    },
    async readEnv(name: string, number: number): Promise<Record<string, string>> {
      const text = await readFile(join(folderOf(name, number), "env.json"), "utf8");
      return JSON.parse(text) as Record<string, string>;
    },
    /** What it runs from; its logs stay. */
    removeFiles: (name: string, number: number): Promise<void> =>
      rm(folderOf(name, number), { recursive: true, force: true }),
    /** Takes away what releases had that are forgotten, but for images that others still run from. */
    async prune(gone: readonly KeptRelease[], kept: readonly KeptRelease[]): Promise<void> {
      const used = new Set(kept.map(({ launch }) => launch.service?.container?.image));
      for (const { workload, number, launch } of gone) {
        await rm(folderOf(workload, number), { recursive: true, force: true });
        await removeLogs(join(home, "logs"), `${workload}.${number}.`);
        const { engine = [], image = "", label } = launch.service?.container ?? {};
        if (typeof label === "string" && !used.has(image)) await askEngine(machine, engine, ["rmi", image]);
      }
    },
    removeAll: (name: string): Promise<void> => rm(ofService(name), { recursive: true, force: true }),
  };
}

async function copy(machine: Machine, from: string, to: string): Promise<void> {
  const ran = await machine.run(["cp", "-R", "-P", "-p", from, to]);
  if (ran.exitCode === 0) return;
  throw new SestaError("TRANSFER", `The files of the release could not be copied to ${to}`, {
    problems: [ran.stderr.trim()],
    hint: "Check the disk there.",
  });
}

async function removeLogs(folder: string, prefix: string): Promise<void> {
  const files = (await readdir(folder).catch(() => [])).filter((file) => file.startsWith(prefix));
  await Promise.all(files.map((file) => rm(join(folder, file), { force: true })));
}
