// What a machine is told of a run: golden files for one machine, a container, and several machines.
import { expect, test } from "vitest";
import { buildRunFiles } from "../../commands/run-files.ts";
import type { JobSection } from "../../model/project.ts";
import { buildOrder, type OrderContext } from "./build-order.ts";

const job: JobSection = {
  type: "job",
  name: "train",
  target: "box",
  packages: [],
  data: [],
  env: {},
  run: "python train.py --epochs 3",
  fetch: [],
  into: "results/train",
  timeoutMs: null,
  retries: 0,
  nodes: 1,
  gpus: null,
  rendezvousMs: 600_000,
};
const context: OrderContext = {
  id: "train-1-abcd",
  folder: "/home/ada/.sesta/runs/train-1-abcd",
  args: [],
  rank: { node: 0, nodes: 1, masterAddress: "127.0.0.1", masterPort: 23_456 },
  env: {},
  reporting: undefined,
  slots: undefined,
  environment: null,
  image: undefined,
  data: [],
};

function print(section: JobSection, more: Partial<OrderContext>): string {
  const files = buildRunFiles(buildOrder(section, { ...context, ...more }));
  return Object.entries(files)
    .map(([name, text]) => `== ${name}\n${text}`)
    .join("");
}

test("a Python environment, arguments, a secret, data", async () => {
  const printed = print(
    { ...job, stdout: "output.txt", timeoutMs: 90_500, retries: 2 },
    {
      args: ["--lr", "it's 0.1"],
      env: { TOKEN: "a'b $c" },
      environment: "/home/ada/.sesta/cache/environments/0123",
      data: [{ from: "/home/ada/.sesta/cache/data/4567/sent", to: "data/digits" }],
    },
  );
  await expect(printed).toMatchFileSnapshot("../../../test/golden/orders/python.txt");
});

test("a container with GPUs, on one of two machines", async () => {
  const printed = print(
    { ...job, gpus: "all", nodes: 2 },
    {
      rank: { node: 1, nodes: 2, masterAddress: "10.0.0.5", masterPort: 23_456 },
      env: { TOKEN: "secret" },
      image: { engine: ["sudo", "-n", "docker"], id: "sha256:89ab" },
      data: [{ from: "/home/ada/.sesta/cache/data/4567/sent", to: "data" }],
      slots: 2,
    },
  );
  await expect(printed).toMatchFileSnapshot("../../../test/golden/orders/container.txt");
  expect(printed.match(/secret/g)).toHaveLength(1); // in `env` alone: arguments show in the process list
});

test("Podman takes GPUs as devices", () => {
  const { argv } = buildOrder({ ...job, gpus: 2 }, { ...context, image: { engine: ["podman"], id: "x" } });
  expect(argv.filter((word) => word.startsWith("--device"))).toEqual([
    "--device=nvidia.com/gpu=0",
    "--device=nvidia.com/gpu=1",
  ]);
});

test("jobs with GPUs wait for each other, others do not, and slots count all", () => {
  const slots = (section: JobSection, of: number | undefined) =>
    buildOrder(section, { ...context, slots: of }).spec.slots;
  expect([slots(job, undefined), slots({ ...job, gpus: 1 }, undefined), slots(job, 3)]).toEqual([
    "none",
    "gpu",
    3,
  ]);
});
