// The step that runs a job's `setup` in a copy of its sources, which the runs then begin from.
import { requireDone, runScript, type Host } from "../../machine/host.ts";
import type { JobSection } from "../../model/project.ts";
import { exists, type Prepared, type Step } from "./step.ts";

export function buildSetupStep({ setup, name }: JobSection, host: Host, { places }: Prepared): Step[] {
  if (setup === undefined) return [];
  const { tree, prepared, environment } = places;
  const path = environment === null ? {} : { VIRTUAL_ENV: environment };
  const script = environment === null ? setup : `PATH="$VIRTUAL_ENV/bin:$PATH"; export PATH\n${setup}`;
  return [
    {
      name: "setup",
      title: `run setup: ${firstLine(setup)}`,
      needs: ["packages", "sources", "python"],
      check: () => exists(host, `${prepared}/complete`),
      async run({ detail, signal }) {
        const ran = await runScript(host, "tree.sh", ["setup", prepared, tree], {
          input: script,
          env: { ...path, PYTHONDONTWRITEBYTECODE: undefined },
          signal,
          onLine: (line) => detail(line.trim()),
        });
        requireDone(ran, `The setup of ${name} failed`, host.machine.name, "Mend `setup` in sesta.yaml.");
      },
    },
  ];
}

function firstLine(script: string): string {
  const [first = ""] = script.trim().split("\n");
  return first.length > 60 ? `${first.slice(0, 60)}…` : first;
}
