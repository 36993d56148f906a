// From the start of a command to the first line of a trivial job, on a machine that is prepared, over SSH and on this machine.
// `node bench/job-start.ts [ROUNDS]`; 15 rounds, interleaved; SkyPilot and dstack are asked whether they can run here.
import { mkdirSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { findUv } from "../test/support/lab-environment.ts";
import { findDstack, findSkyPilot, type Scheduler } from "./job-start/schedulers.ts";
import { createBox, timeCommand } from "./support/box.ts";
import { buildTable, interleave } from "./support/spread.ts";

const rounds = Number(process.argv[2] ?? 15);
const box = await createBox("bench-start");
try {
  const command = "echo hello";
  box.describe(
    ["box", "local"]
      .map((name) => `  ${name}-job: { type: job, target: ${name}, run: ${command} }\n`)
      .join(""),
  );
  const { server, folder } = box;
  const known = [
    "-o",
    `UserKnownHostsFile=${join(folder, "known_hosts")}`,
    "-o",
    "StrictHostKeyChecking=accept-new",
  ];
  const ssh = [
    "ssh",
    "-F",
    "none",
    "-i",
    server.key,
    "-p",
    String(server.port),
    "-o",
    "IdentitiesOnly=yes",
    ...known,
  ];
  const host = `${userInfo().username}@127.0.0.1`;
  mkdirSync(join(folder, "mux"));
  const shared = [
    "-o",
    "ControlMaster=auto",
    "-o",
    `ControlPath=${join(folder, "mux", "%C")}`,
    "-o",
    "ControlPersist=600",
  ];
  await timeCommand([...ssh, ...shared, host, "true"]);

  const sesta = (name: string) => box.sesta(["run", name, "-y"], "output");
  const times = await interleave(rounds, [
    ["ssh host true, new connection", () => timeCommand([...ssh, host, "true"])],
    [
      "Sesta over SSH, new connection",
      () => {
        box.disconnect();
        return sesta("box-job");
      },
    ],
    ["ssh host true, ControlMaster", () => timeCommand([...ssh, ...shared, host, "true"])],
    ["Sesta over SSH, connection there", () => sesta("box-job")],
    ["Sesta over SSH, to its end", () => box.sesta(["run", "box-job", "-y"])],
    ["Sesta on this machine", () => sesta("local-job")],
    ["sesta --version", () => box.sesta(["--version"])],
  ]);
  console.log(`\`echo hello\` to its first line, ${rounds} rounds, interleaved; beside a new connection`);
  console.log(buildTable(times, "ms", "ssh host true, new connection"));

  const uv = findUv();
  if (uv === undefined) console.log("\nSkyPilot and dstack left out: uv cannot be had");
  else await reportSchedulers([findSkyPilot(uv, box), findDstack(uv, box)]);
} finally {
  await box.end();
}

/** Neither starts a job without a server of its own and a machine that it has set up. */
async function reportSchedulers(schedulers: readonly Scheduler[]): Promise<void> {
  for (const { name, lacks } of schedulers) {
    const [program = ""] = name.split(" ");
    if (lacks.length > 0)
      console.log(`\nleft out: a job of ${program} cannot be started here: ${lacks.join("; ")}`);
    else
      console.log(
        `\nleft out: ${program} would install itself as root on this machine, which a measure does not do`,
      );
  }
  for (const { help } of schedulers) await help(); // fills the page cache
  const times = await interleave(5, [
    ...schedulers.map(({ name, help }) => [name, help] as const),
    ["sesta --help", () => box.sesta(["--help"])] as const,
  ]);
  console.log(`\nwhat of them does start, 5 rounds, interleaved`);
  console.log(buildTable(times, "ms", "sesta --help"));
}
