// All evidence of use of one workload, from every place it can come from. What cannot be found out counts as use.
import type { Clock } from "../../base/clock.ts";
import { messageOf } from "../../base/errors.ts";
import type { Identity } from "../../machine/identity.ts";
import type { Machine } from "../../machine/machine.ts";
import { findTree, listProcesses, type ProcessRow } from "../../machine/process-table.ts";
import type { MachinePlaces } from "../../model/agent-protocol.ts";
import type { Launch } from "../../model/launch.ts";
import { createCommandEvidence } from "./command.ts";
import { explainUnknownGpu, readGpuPercent } from "./gpu.ts";
import type { Evidence } from "../idle.ts";
import { collectJupyterEvidence } from "./jupyter.ts";
import { createLoad, createProcessorMeter } from "./load.ts";
import type { Address } from "../loopback.ts";
import { collectSessionEvidence } from "./session.ts";
import { createStartMarks } from "./start-marks.ts";
import { collectTerminalEvidence } from "./terminal.ts";

export type EvidenceContext = { machine: Machine; clock: Clock };

/** A workload that is awake. */
export type Watched = {
  launch: Launch;
  places: MachinePlaces;
  /** The process that was started. */
  identity: Identity;
  startId: string;
  /** @throws when its token cannot be read */
  address: () => Address;
};

export type CollectEvidence = (watched: Watched) => Promise<Evidence[]>;

/** For one time awake: it remembers from look to look. */
export function createEvidence({ machine, clock }: EvidenceContext): CollectEvidence {
  const marks = createStartMarks();
  const [meter, processors, gpus] = [createProcessorMeter(clock), createLoad(clock), createLoad(clock)];
  const askCommand = createCommandEvidence(machine, clock);

  const collectProcessors = (ours: readonly ProcessRow[], cpuPercent: number, forMs: number): Evidence[] => {
    const measured = meter.measure(ours);
    if (!measured || !processors.isHigh(measured.percent, cpuPercent, forMs, measured.sinceMs)) return [];
    const source = `its programs take ${Math.round(measured.percent)} % of a core`;
    return [{ source, at: "now", key: "cpu" }];
  };
  const collectGpus = async (gpuPercent: number, forMs: number): Promise<Evidence[]> => {
    try {
      const percent = await readGpuPercent(machine);
      if (!gpus.isHigh(percent, gpuPercent, forMs)) return [];
      return [{ source: `a GPU is ${Math.round(percent)} % busy`, at: "now", key: "gpu" }];
    } catch (error) {
      gpus.forget();
      return [{ source: explainUnknownGpu(error), at: "now", key: "gpu" }];
    }
  };
  const collectProcesses = async ({ launch, places, identity, startId }: Watched): Promise<Evidence[]> => {
    const { evidence, keepAwake } = launch.idle;
    const cpuPercent = keepAwake?.cpuPercent;
    if (cpuPercent === undefined) meter.forget();
    if (evidence !== "jupyter" && !places.sessions && cpuPercent === undefined) return [];
    const rows = await listProcesses();
    const tree = findTree(rows, identity.pid);
    const own = rows.find(({ pid }) => pid === identity.pid)?.tty ?? null; // it was started from a terminal
    // Programs that detached themselves, such as tmux, are known by the mark that they inherited.
    const known = await marks.read(rows.filter(({ tty }) => tty !== null || cpuPercent !== undefined));
    const isOurs = ({ pid }: ProcessRow) => tree.has(pid) || known.get(pid) === startId;
    const ours = rows.filter(isOurs);
    // Jupyter itself works whenever an open tab asks it something.
    const working = evidence === "jupyter" ? ours.filter(({ pid }) => pid !== identity.pid) : ours;
    const terminals = ours.filter(({ tty }) => tty !== own);
    const isWorkloads = (row: ProcessRow) => isOurs(row) || known.has(row.pid);
    const found = await Promise.all([
      evidence === "jupyter" ? collectTerminalEvidence(terminals, rows, "a terminal") : [],
      places.sessions ? collectSessionEvidence(rows, isWorkloads) : [],
      cpuPercent === undefined ? [] : collectProcessors(working, cpuPercent, keepAwake?.forMs ?? 0),
    ]);
    return found.flat();
  };

  return async (watched) => {
    const { evidence, keepAwake } = watched.launch.idle;
    // Of what goes on at the same time the first is named: a kernel says more than the time it takes.
    const parts: Promise<Evidence[]>[] = evidence === "jupyter" ? [askJupyter(watched)] : [];
    parts.push(collectProcesses(watched).catch(unknownProcesses));
    if (keepAwake?.gpuPercent !== undefined) parts.push(collectGpus(keepAwake.gpuPercent, keepAwake.forMs));
    if (keepAwake?.command !== undefined) parts.push(askCommand(keepAwake.command, watched.places.workspace));
    return (await Promise.all(parts)).flat();
  };
}

async function askJupyter({ address }: Watched): Promise<Evidence[]> {
  try {
    return await collectJupyterEvidence(address());
  } catch (error) {
    const source = `Jupyter could not be asked (${messageOf(error)}); that counts as use`;
    return [{ source, at: "now", key: "jupyter" }];
  }
}

function unknownProcesses(error: unknown): Evidence[] {
  const source = `what runs on the machine could not be found out (${messageOf(error)}); that counts as use`;
  return [{ source, at: "now", key: "processes" }];
}
