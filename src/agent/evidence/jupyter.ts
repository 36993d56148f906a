// Asks Jupyter whether code runs or a person used a kernel. Asking leaves no trace of its own in Jupyter's activity.
import { cleanText } from "../../front/pages/clean-text.ts";
import type { Evidence } from "../idle.ts";
import { getJson, type Address } from "../loopback.ts";

type Kernel = { id?: string; execution_state?: string; last_activity?: string; connections?: number };
type Session = { path?: string; name?: string; kernel?: { id?: string } | null };

const longestName = 60;

/**
 * Kernels only. Jupyter's own `last_activity` of a terminal moves with output and with every page that reconnects, so
 * terminals are looked at on the machine; that of a kernel moves with messages that a person caused (and at the end of
 * a cell), not with a page that is open or reconnects: MappingKernelManager.untracked_message_types.
 */
export async function collectJupyterEvidence(address: Address): Promise<Evidence[]> {
  try {
    const [kernels, sessions] = await Promise.all([
      getJson(address, "/api/kernels?no_track_activity=1"),
      getJson(address, "/api/sessions?no_track_activity=1").catch(() => []), // only for their names
    ]);
    const names = nameKernels(sessions as Session[]);
    return (kernels as Kernel[]).flatMap((kernel) => kernelEvidence(kernel, names.get(kernel.id)));
  } catch {
    return [{ source: "Jupyter did not answer when asked; that counts as use", at: "now", key: "jupyter" }];
  }
}

function kernelEvidence({ id, execution_state, last_activity, connections }: Kernel, name = ""): Evidence[] {
  const key = `kernel ${id}`;
  const at = last_activity === undefined ? NaN : Date.parse(last_activity);
  const used: Evidence[] = Number.isNaN(at) ? [] : [{ source: `a kernel was used${name}`, at, key }];
  switch (execution_state) {
    case "idle":
    case "dead":
      return used;
    case "starting":
      // One that a program began and nobody ever connected to stays so; it can have been given no code.
      return connections === 0 ? used : [{ source: `a kernel is starting${name}`, at: "now", key }];
    default:
      // It counts for as long as it computes, however silent it is.
      return [{ source: `a kernel is ${execution_state ?? "in an unknown state"}${name}`, at: "now", key }];
  }
}

/** " (train.ipynb)" by kernel. */
function nameKernels(sessions: readonly Session[]): Map<string | undefined, string> {
  return new Map(
    sessions.map(({ path, name, kernel }) => {
      const words = cleanText((name || path?.replace(/^.*\//, "")) ?? "").slice(0, longestName);
      return [kernel?.id, words === "" ? "" : ` (${words})`];
    }),
  );
}
