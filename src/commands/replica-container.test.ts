// How docker and podman are asked for a replica, and what of its variables stands where.
import { expect, test } from "vitest";
import { buildEnvFile, buildListOwn, buildReplicaRun, type ReplicaContainer } from "./replica-container.ts";

const least: ReplicaContainer = {
  engine: ["podman"],
  image: "sha256:89ab",
  name: "sesta-0123",
  owner: "/home/ada/.sesta/projects/iris/agent",
  envFile: "/home/ada/.sesta/projects/iris/agent/run/0123/container.env",
  passed: [],
  port: 23_456,
  appPort: 8080,
  init: false,
  memoryBytes: null,
  cpus: null,
};

test("what docker and podman are asked for", async () => {
  const printed = [
    buildReplicaRun({ ...least, engine: ["docker"], init: true, memoryBytes: 64 * 1024 ** 2, cpus: 0.5 }),
    buildReplicaRun({ ...least, engine: ["sudo", "-n", "docker"], init: true, passed: ["KEY", "NOTE"] }),
    buildReplicaRun(least),
    ["docker", ...buildListOwn(least.owner)],
  ]
    .map((argv) => `${argv.join("\n  ")}\n`)
    .join("");
  await expect(printed).toMatchFileSnapshot("../../test/golden/orders/replica-containers.txt");
});

test("a value that is no plain line is handed on by its name alone", () => {
  const env = {
    PLAIN: " a=b # c ",
    EMPTY: "",
    KEY: "-----BEGIN\nx\n-----END",
    QUOTED: '"x"',
    LONG: "x".repeat(5_000),
  };
  expect(buildEnvFile(env)).toEqual({
    text: "PLAIN= a=b # c \nEMPTY=\nKEY\nQUOTED\nLONG\n",
    passed: { KEY: env.KEY, QUOTED: env.QUOTED, LONG: env.LONG },
  });
});
