// What the agent answers about backups.
import type { AgentMethods } from "../../model/agent-protocol.ts";
import type { Supervised } from "../../state/agent-state.ts";
import { listBackups } from "./list-backups.ts";
import type { Backups } from "./backups.ts";

type Methods = Pick<AgentMethods, "backup" | "bringBack" | "backups" | "backupJob">;
type Handlers = {
  [M in keyof Methods]: (
    params: Methods[M]["params"],
  ) => Methods[M]["result"] | Promise<Methods[M]["result"]>;
};

/**
 * @param find @throws SestaError NOT_UP
 * @param waits somebody waits for what becomes of its backup
 */
export function buildBackupHandlers(
  backups: Backups,
  find: (name: string) => Supervised,
  waits: (name: string) => void,
): Handlers {
  return {
    backup: ({ name, why, passphrase }) => backups.begin(find(name), { kind: "backup", why, passphrase }),
    bringBack: ({ name, why, passphrase, file }) =>
      backups.begin(find(name), { kind: "restore", why, passphrase, file }),
    backups: ({ name }) => listBackups(find(name).places.workspace, name),
    backupJob: ({ name }) => {
      waits(name);
      return backups.find(find(name).name);
    },
  };
}
