// The logs of a service's replicas as one: whose line it is, of which releases, and what comes while it is followed.
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { systemClock } from "../../base/clock.ts";
import { createLocalMachine } from "../../machine/local.ts";
import { readLogs as readRemote } from "../ssh/logs.ts";
import { readLogs } from "./logs.ts";

let folder: string;
let stop: AbortController;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-logs-"));
  stop = new AbortController();
  write("iris.1.1", "old 1\nold 2\n");
  write("iris.3.1", "a\nb\nc\n");
  write("iris.3.2", "d\n");
  write("iris.3.2.log.1", "rotated\n");
  write("irises.3.1", "another's\n");
  write("iris", "none of a replica\n");
});
afterEach(() => {
  stop.abort();
  rmSync(folder, { recursive: true });
});

const write = (name: string, text: string) => writeFileSync(join(folder, `${name}.log`), text);
const more = (name: string, text: string) => appendFileSync(join(folder, `${name}.log`), text);

type Options = { lines: number; follow?: boolean; releases: readonly number[] };
const machine = createLocalMachine(process.env);
const ways = {
  local: (options: Options) =>
    readLogs(join(folder, "iris.log"), options, { clock: systemClock, signal: stop.signal }),
  ssh: (options: Options) =>
    readRemote(machine, join(folder, "iris.log"), options, { clock: systemClock, signal: stop.signal }),
};

async function collect(texts: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = [];
  for await (const text of texts) all.push(text);
  return all;
}

test.each(["local", "ssh"] as const)("%s: the last lines of these releases, in this order", async (way) => {
  const text = (await collect(ways[way]({ lines: 2, releases: [3] }))).join("");
  expect(text).toBe("3.1 | b\n3.1 | c\n3.2 | d\n");
  const both = (await collect(ways[way]({ lines: 1, releases: [3, 1] }))).join("");
  expect(both).toBe("3.1 | c\n3.2 | d\n1.1 | old 2\n");
  expect(await collect(ways[way]({ lines: 5, releases: [] }))).toEqual([]);
});

test.each(["local", "ssh"] as const)(
  "%s: followed, it goes on through restarts and with new releases, in whole lines",
  async (way) => {
    const seen: string[] = [];
    let text = "";
    const reading = (async () => {
      for await (const piece of ways[way]({ lines: 1, follow: true, releases: [3] })) {
        seen.push(piece);
        text = seen.join("");
      }
    })();
    const until = async (line: string) => {
      while (!text.includes(line)) await systemClock.sleep(10);
    };
    await until("3.2 | d\n");
    more("iris.3.1", "== starting iris\nagain\n");
    await until("3.1 | again\n");
    more("iris.3.2", "half a ");
    write("iris.4.1", "a new release ü\n");
    await until("4.1 | a new release ü\n");
    more("iris.3.2", "line\n");
    await until("3.2 | half a line\n");
    write("iris.4.1", "anew\n");
    await until("4.1 | anew\n");
    more("iris.1.1", "old 3\n");
    await until("1.1 | old 3\n");
    expect(text).not.toMatch(/old [12]|rotated|another|none of/);
    stop.abort();
    await reading;
  },
);
