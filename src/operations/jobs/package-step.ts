// The step that installs system packages.
import { SestaError } from "../../base/errors.ts";
import { requireDone, runScript, type Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import type { Step } from "./step.ts";

const noManagerExit = 3;

export function buildPackageStep({ packages }: JobSection, host: Host): Step[] {
  if (packages.length === 0) return [];
  let missing = packages;
  return [
    {
      name: "packages",
      title: `install ${packages.join(", ")} with the system's package manager`,
      touchesSystem: true,
      needs: [],
      async check() {
        const ran = await runScript(host, "packages.sh", ["check", ...packages]);
        if (ran.exitCode === noManagerExit) throw unsupported(host, packages);
        missing = ran.stdout.split("\n").filter((name) => name !== "");
        return missing.length === 0;
      },
      async run({ detail, signal }) {
        const ran = await runScript(host, "packages.sh", ["install", ...missing], {
          signal,
          onLine: (line) => detail(line.trim()),
        });
        requireDone(
          ran,
          `${missing.join(", ")} could not be installed`,
          host.machine.name,
          `Somebody with root runs there: apt-get install ${missing.join(" ")}`,
        );
      },
    },
  ];
}

function unsupported({ machine }: Host, packages: readonly string[]): SestaError {
  return new SestaError("UNSUPPORTED", `${machine.name} has neither apt nor dnf for ${packages.join(", ")}`, {
    hint: "Install them there by hand and take `packages` out of the job.",
  });
}
