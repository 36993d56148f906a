// Which machine of EC2 a workload gets: the one that is named, or the cheapest that is as large as was asked for.
import { SestaError } from "../../base/errors.ts";
import type { CloudMachine, MachineWish } from "../../model/aws.ts";
import table from "./prices.json" with { type: "json" };

type Entry = {
  cpus: number;
  memory_gib: number;
  architecture: string;
  gpu?: { name: string; count: number };
  usd_per_hour: number | null;
};

const machines: Readonly<Record<string, Entry>> = table.machines;
const gibibyte = 1024 ** 3;
const defaultType = "t3.medium";
const defaultDiskBytes = 30 * gibibyte;
/** The images with drivers need more than half of it. */
const defaultGpuDiskBytes = 100 * gibibyte;

/** @throws SestaError UNSUPPORTED where nothing in the table is as large */
export function chooseMachine(wish: MachineWish): CloudMachine {
  const { type = findType(wish), image = null, diskBytes } = wish;
  const known = machines[type];
  const hasGpu = known ? known.gpu !== undefined : /^(?:g\d|gr\d|p\d)/.test(type);
  return {
    type,
    architecture: known?.architecture === "arm64" || isGraviton(type) ? "arm64" : "x86_64",
    hasGpu,
    image,
    diskBytes: diskBytes ?? (hasGpu ? defaultGpuDiskBytes : defaultDiskBytes),
  };
}

function findType({ cpus = 0, memoryBytes = 0, gpu }: MachineWish): string {
  if (cpus === 0 && memoryBytes === 0 && !gpu) return defaultType;
  const fitting = Object.entries(machines)
    .filter(([, one]) => one.architecture === "x86_64") // what a team installs is built for it, if for anything
    .filter(([, one]) => one.cpus >= cpus && one.memory_gib * gibibyte >= memoryBytes && suits(one, gpu))
    .toSorted(([, one], [, other]) => costOf(one) - costOf(other));
  const [cheapest] = fitting[0] ?? [];
  if (cheapest !== undefined) return cheapest;
  throw new SestaError("UNSUPPORTED", `No machine of EC2 that Sesta knows is as large as was asked for`, {
    hint: `Name one: \`machine: { type: … }\`. GPUs that it knows: ${listGpus().join(", ")}.`,
  });
}

/** One with GPUs that nobody asked for is never the cheapest. */
function suits({ gpu }: Entry, wanted: MachineWish["gpu"]): boolean {
  if (!wanted) return gpu === undefined;
  if (!gpu || gpu.count < wanted.count) return false;
  return wanted.name === undefined || gpu.name.toLowerCase() === wanted.name.toLowerCase();
}

function costOf({ usd_per_hour: usd, cpus }: Entry): number {
  return usd ?? 1_000 + cpus;
}

function listGpus(): string[] {
  return [...new Set(Object.values(machines).flatMap(({ gpu }) => gpu?.name ?? []))];
}

/** Its letter stands behind the generation: "m7g", "c7gn", "g5g". (Amazon EC2 instance type naming conventions) */
function isGraviton(type: string): boolean {
  return /^[a-z]+\d+[a-z]*g[a-z]*\./.test(type);
}
