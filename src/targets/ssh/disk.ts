// Files and folders of a host, looked at through its machine: paths go as operands, never as text of a script.
import { SestaError } from "../../base/errors.ts";
import type { Argv, Machine } from "../../machine/machine.ts";
import type { Disk } from "../agent-host/disk.ts";

const findScript =
  'for path in "$@"; do [ -e "$path" ] || [ -L "$path" ] && printf "%s\\0" "$path"; done; exit 0';
const listScript =
  'cd "$1" 2>/dev/null || exit 0; for name in *; do [ -d "$name" ] && printf "%s\\0" "$name"; done; exit 0';

export function createDisk(machine: Machine): Disk {
  const must = async (argv: Argv, what: string): Promise<string> => {
    const { exitCode, stdout, stderr } = await machine.run(argv);
    if (exitCode === 0) return stdout;
    throw new SestaError("COMMAND_FAILED", `${what} on ${machine.name}: ${stderr.trim()}`, {
      hint: `Look at it there: \`ssh ${machine.name}\`.`,
    });
  };
  return {
    async findExisting(paths) {
      const found = await must(["sh", "-c", findScript, "sh", ...paths], "Paths cannot be looked at");
      return new Set(found.split("\0").filter((path) => path !== ""));
    },
    async makeFolder(path, mode) {
      const modes = mode === undefined ? [] : ["-m", mode.toString(8)];
      await must(["mkdir", "-p", ...modes, "--", path], `${path} cannot be made`);
    },
    async listFolders(path) {
      const found = await must(["sh", "-c", listScript, "sh", path], `${path} cannot be listed`);
      return found.split("\0").filter((name) => name !== "");
    },
    async remove(paths) {
      if (paths.length > 0)
        await must(["rm", "-rf", "--", ...paths], `${paths.join(", ")} cannot be removed`);
    },
  };
}
