// What is held of a connection while there are forwards, and that each comes back, over a stand-in for ssh's `-O`.
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Connection } from "./connection.ts";
import { createForwards } from "./forwards.ts";

/** As ssh: a forward that there is already is no error, and its socket is not made again. */
const ssh = `#!/bin/sh
what=$6 spec=\${10}; path=\${spec%%:*}; mark=$(dirname "$0")/has-$(basename "$path")
echo "$what" >>"$(dirname "$0")/log"
[ -e "$(dirname "$0")/refuses" ] && exit 1
case $what in
  forward) sleep 0.1; [ -e "$mark" ] || { touch "$mark"; case $path in /*) touch "$path" ;; esac; } ;;
  cancel) rm "$mark" || exit 1 ;;
esac
`;

let folder: string;
let held: { destroyed: boolean; gone: () => void }[];
let connection: Connection;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-forwards-"));
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "ssh"), ssh);
  chmodSync(join(bin, "ssh"), 0o755);
  held = [];
  const host = { name: "box", host: "box" };
  connection = {
    access: { host, folder, stateFolder: folder, env: {} },
    route: { host, knownHosts: "", controlPath: join(folder, "ssh-0123456789ab.sock"), ask: false },
    env: { PATH: `${bin}:${process.env["PATH"]}` },
    ensure: async () => undefined,
    lives: async () => true,
    hold: async (gone) => {
      const one = { destroyed: false, gone };
      held.push(one);
      return { destroy: () => (one.destroyed = true) } as unknown as Socket;
    },
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const until = async (is: () => boolean) => {
  while (!is()) await new Promise((resolve) => setTimeout(resolve, 5));
};
const said = () =>
  readFileSync(join(folder, "bin", "log"), "utf8")
    .trim()
    .split("\n");

test("two at once hold the connection once, and let go of it with the last", async () => {
  const forwards = createForwards(connection);
  const [one, other] = await Promise.all([forwards.forward({ port: 1 }), forwards.forward({ port: 2 })]);
  expect(held.length).toBe(1);
  await one.close();
  expect(held[0]?.destroyed).toBe(false);
  await other.close();
  expect(held[0]?.destroyed).toBe(true);
});

test("one that is refused lets go of it", async () => {
  writeFileSync(join(folder, "bin", "refuses"), "");
  await expect(createForwards(connection).expose(1)).rejects.toMatchObject({ code: "SSH_CONNECTION" });
  expect(held.every(({ destroyed }) => destroyed)).toBe(true);
});

test("connections that break one after the other: each forward is there again, with its socket", async () => {
  const forwards = createForwards(connection);
  const both = await Promise.all([forwards.forward({ path: "/a" }), forwards.forward({ path: "/b" })]);
  const paths = both.map(({ path = "" }) => path);
  for (const path of paths) rmSync(path); // with the connection that made it
  held[0]?.gone();
  await until(() => held.length === 2);
  held[1]?.gone();
  await until(() => held.length === 3);
  let [seen, now] = [0, said().length];
  while (seen !== now) {
    await new Promise((resolve) => setTimeout(resolve, 400));
    [seen, now] = [now, said().length];
  }
  expect(paths.map((path) => existsSync(path))).toEqual([true, true]);
  await forwards.close();
  expect([paths.some((path) => existsSync(path)), held.at(-1)?.destroyed]).toEqual([false, true]);
});
