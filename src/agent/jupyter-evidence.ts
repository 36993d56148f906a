// Asks Jupyter whether code runs or a person was there. Asking leaves no trace of its own in Jupyter's activity.
import type { Evidence } from "./idle.ts";
import { getJson, type Address } from "./loopback.ts";

type Kernel = { execution_state?: string; last_activity?: string };
type Terminal = { last_activity?: string };

export async function collectJupyterEvidence(address: Address): Promise<Evidence[]> {
  try {
    const [kernels, terminals] = await Promise.all([
      getJson(address, "/api/kernels?no_track_activity=1"),
      getJson(address, "/api/terminals?no_track_activity=1"),
    ]);
    return [
      ...(kernels as Kernel[]).flatMap(kernelEvidence),
      ...(terminals as Terminal[]).flatMap(terminalEvidence),
    ];
  } catch {
    return [{ source: "Jupyter did not answer when asked; that counts as use", at: "now" }];
  }
}

// A kernel that computes counts for as long as it does, however silent it is.
function kernelEvidence({ execution_state, last_activity }: Kernel): Evidence[] {
  if (execution_state !== "idle")
    return [{ source: `a kernel is ${execution_state ?? "in an unknown state"}`, at: "now" }];
  return last_activity === undefined ? [] : [{ source: "a kernel was used", at: Date.parse(last_activity) }];
}

function terminalEvidence({ last_activity }: Terminal): Evidence[] {
  return last_activity === undefined
    ? []
    : [{ source: "a terminal was used", at: Date.parse(last_activity) }];
}
