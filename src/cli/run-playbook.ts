// `sesta run --playbook FILE`: a playbook with its own inventory, in any folder, with or without a project.
import { existsSync } from "node:fs";
import { join, dirname, resolve } from "node:path";
import { writeAtomic, makePrivateFolder } from "../base/atomic-file.ts";
import { SestaError } from "../base/errors.ts";
import { createLocalMachine } from "../machine/local.ts";
import { runPlaybook } from "../operations/playbook.ts";
import type { PlaybookPlace } from "../operations/playbook/place.ts";
import { createPlaybookWatch } from "./playbook-lines.ts";
import { createReporter } from "./progress.ts";
import type { Session } from "./session.ts";

/** Without an inventory on this machine, once somebody said so. @throws SestaError PLAYBOOK_FAILED with host and task */
export async function runPlaybookFile(session: Session, playbook: string, inventory?: string): Promise<void> {
  const { world, terminal, flags } = session;
  const start = resolve(flags.directory ?? ".");
  const file = resolve(start, playbook);
  if (inventory === undefined) {
    terminal.err(`${terminal.paint("yellow", "!")} without --inventory it runs on this machine\n`);
    if (!(await session.confirm(`Run ${playbook} here?`, "no"))) return;
  }
  const folder = join(dirname(file), ".sesta");
  const place: PlaybookPlace = {
    machine: createLocalMachine(world.env),
    env: world.env,
    clock: world.clock,
    cacheFolder: world.cacheFolder,
    folder,
    signal: world.signal,
  };
  if (existsSync(file)) {
    await makePrivateFolder(folder);
    await writeAtomic(join(folder, ".gitignore"), "*\n");
  }
  const play = async (acceptNewKeys: boolean) => {
    const reporter = createReporter(terminal, world.clock);
    try {
      return await runPlaybook(
        place,
        {
          playbook: file,
          ...(inventory !== undefined && { inventory: resolve(start, inventory) }),
          hosts: "local",
          groups: [],
          extraEnv: {},
          acceptNewKeys,
        },
        createPlaybookWatch(terminal, reporter),
      );
    } finally {
      reporter.end();
    }
  };
  const done = await play(flags.yes === true).catch(async (error: unknown) => {
    const isNew = error instanceof SestaError && error.code === "HOST_KEY_UNKNOWN";
    if (!isNew || !terminal.interactive) throw error;
    terminal.err(`${terminal.paint("yellow", "!")} ${error.message}\n`);
    if (!(await session.confirm("Trust the keys that these machines show from now on?"))) throw error;
    return play(true);
  });
  if (flags.json) return session.json(done);
  terminal.out(`done: ${done.ok} ok, ${done.changed} changed\n`);
}
