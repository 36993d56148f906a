// What is private stays in the project's folder.
import { expect, test } from "vitest";
import { parseProject } from "../project/parse.ts";
import type { World } from "./context.ts";
import { listPrivateFiles } from "./private-files.ts";

test("files of secrets, and private keys of hosts, where they are in the folder", async () => {
  const yaml = `
name: private-test
secrets: { one: { file: keys/one }, two: { file: /etc/two }, three: { env: THREE } }
targets:
  box:
    type: ssh
    hosts:
      - { name: a, host: 10.0.0.1, key: ./team.pem }
      - { name: b, host: 10.0.0.2, key: /work/project/keys/b.pem }
      - { name: c, host: 10.0.0.3, key: ~/.ssh/c.pem }
      - { name: d, host: 10.0.0.4, key: ../d.pem }
      - e
`;
  const project = await parseProject(Buffer.from(yaml), "/work/project");
  const world = { env: { HOME: "/home/ada" } } as unknown as World;
  expect(listPrivateFiles({ project, world })).toEqual(["keys/one", "team.pem", "keys/b.pem"]);
});

test("backups of trackers", async () => {
  const yaml = `
name: private-test
workloads:
  one: { type: tracker }
  two: { type: tracker, backup: { into: kept } }
`;
  const project = await parseProject(Buffer.from(yaml), "/work/project");
  expect(listPrivateFiles({ project, world: { env: {} } as unknown as World })).toEqual([
    "backups/one",
    "kept",
  ]);
});

test("what lies beside the playbook of any job, and where one is run by hand", async () => {
  const yaml = `
name: private-test
workloads:
  one: { type: job, run: a, playbook: ansible/site.yaml }
  two: { type: job, run: b }
`;
  const project = await parseProject(Buffer.from(yaml), "/work/project");
  expect(listPrivateFiles({ project, world: { env: {} } as unknown as World })).toEqual([
    "vars.sh",
    "key.pem",
    "ansible/vars.sh",
    "ansible/key.pem",
  ]);
});
