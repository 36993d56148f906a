// What holds for every machine that brings and takes files: whole or not at all, and never where they were not asked for.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../src/machine/machine.ts";
import type { MachineUnderTest } from "./machine.contract.ts";

const plainNames = ["a b", "-rf", "'\"`$(id)`", "*", "[x]", "back\\slash", "~", "#", "a:b"];
const oddNames = [...plainNames, "new\nline", "é"];

export function testTransfers(get: () => MachineUnderTest): void {
  describe("transfers", () => {
    let machine: Machine;
    let here: string;
    let there: string;
    beforeAll(async () => {
      machine = get().machine;
      here = mkdtempSync(join(tmpdir(), "sesta-here-"));
      there = `${get().folder}/transfers`;
      await machine.run(["mkdir", there]);
    });
    afterAll(() => rmSync(here, { recursive: true, force: true }));

    let count = 0;
    const fresh = async () => {
      const name = String((count += 1));
      mkdirSync(join(here, name));
      await machine.run(["mkdir", `${there}/${name}`]);
      return { local: join(here, name), remote: `${there}/${name}` };
    };
    const sh = async (script: string, ...operands: string[]) => {
      const ran = await machine.run(["sh", "-c", script, "sh", ...operands]);
      expect(ran.stderr).toBe("");
      return ran.stdout;
    };

    describe("upload", () => {
      test.each([
        ["plain", plainNames],
        ["odd", oddNames],
      ])(
        "T9: files of %s names, modes and links arrive, and nothing that was not named",
        async (_, names) => {
          const { local, remote } = await fresh();
          for (const name of names) {
            mkdirSync(join(local, "in", name), { recursive: true });
            writeFileSync(join(local, "in", name, name), name);
          }
          writeFileSync(join(local, "run.sh"), "#!/bin/sh\n");
          chmodSync(join(local, "run.sh"), 0o755);
          symlinkSync("run.sh", join(local, "link"));
          writeFileSync(join(local, "secret"), "not named");
          const files = [...names.map((name) => `in/${name}/${name}`), "run.sh", "link"];
          const seen: [number, number][] = [];
          const done = await machine.upload({ folder: local, files }, `${remote}/to/it`, {
            onProgress: (...progress) => seen.push(progress),
          });
          const bytes = names.reduce((sum, name) => sum + Buffer.byteLength(name), 10);
          expect(done).toEqual({ files: files.length, bytes });
          expect([seen[0]?.[1], seen.at(-1)]).toEqual([bytes, [bytes, bytes]]);
          for (const name of names)
            expect(await sh('cat "$1"; echo .', `${remote}/to/it/in/${name}/${name}`)).toBe(`${name}.`);
          expect(
            await sh('cd "$1" && readlink link && [ -x run.sh ] && ls -A | tr "\\n" " "', `${remote}/to/it`),
          ).toBe("run.sh\nin link run.sh ");
        },
      );

      test.each([1, 300_000])(
        "again: what changed goes over what was there, %i times three bytes",
        async (times) => {
          const { local, remote } = await fresh();
          writeFileSync(join(local, "a"), "one".repeat(times));
          await machine.upload({ folder: local, files: ["a"] }, remote);
          chmodSync(join(local, "a"), 0o444);
          await machine.upload({ folder: local, files: ["a"] }, remote);
          rmSync(join(local, "a"));
          writeFileSync(join(local, "a"), `${"one".repeat(times)}three`);
          writeFileSync(join(local, "b"), "");
          await machine.upload({ folder: local, files: ["a", "b"] }, remote, { similar: `${there}/none` });
          expect(await sh('cd "$1" && tail -c 8 a && wc -c <b', remote)).toMatch(/^onethree\s*0$/);
          await machine.upload({ folder: local, files: ["a", "b"] }, `${remote}/next`, { similar: remote });
          expect(await sh('tail -c 8 "$1"/next/a', remote)).toBe("onethree");
        },
      );

      test("F21: killed meanwhile and begun again, it ends with every byte", async () => {
        const { local, remote } = await fresh();
        const files = ["1", "2", "3"];
        for (const name of files) writeFileSync(join(local, name), Buffer.alloc(8_000_000, name));
        for (const [round, killMs] of [150, 250, 350].entries()) {
          const code = `${get().module}
            process.stdout.write("x");
            await machine.upload({ folder: ${JSON.stringify(local)}, files: ${JSON.stringify(files)} }, ${JSON.stringify(remote)});
            process.exit();`;
          await killAfter(code, killMs + round);
        }
        await machine.upload({ folder: local, files }, remote);
        for (const name of files)
          expect(await sh('tr -d "$2" <"$1" | wc -c; wc -c <"$1"', `${remote}/${name}`, name)).toMatch(
            /^\s*0\s+8000000$/,
          );
      });

      test("a file that is not there is TRANSFER; an abort is INTERRUPTED", async () => {
        const { local, remote } = await fresh();
        await expect(machine.upload({ folder: local, files: ["none"] }, remote)).rejects.toMatchObject({
          code: "TRANSFER",
        });
        writeFileSync(join(local, "a"), "a");
        const signal = AbortSignal.abort();
        await expect(
          machine.upload({ folder: local, files: ["a"] }, remote, { signal }),
        ).rejects.toMatchObject({
          code: "INTERRUPTED",
        });
      });
    });

    // A little comes another way than much does.
    describe.each([0, 600_000])("get, beside %i bytes", (ballast) => {
      /** Of `machine.get`, without what else came. */
      const getBeside = async (from: string, patterns: string[], into: string) => {
        if (ballast === 0) return machine.get(from, patterns, into);
        await sh(`head -c ${ballast} /dev/zero >"$1"/ballast`, from);
        const fetched = await machine.get(from, [...patterns, "ballast"], into);
        expect(lstatSync(join(into, "ballast")).size).toBe(ballast);
        rmSync(join(into, "ballast"));
        await sh('rm "$1"/ballast', from);
        return { ...fetched, files: fetched.files - 1, bytes: fetched.bytes - ballast };
      };

      test("paths, patterns and whole folders; what matched nothing is named", async () => {
        const { local, remote } = await fresh();
        await sh(
          'cd "$1" && mkdir -p out/deep other && echo 1 >out/deep/a && echo 2 >out/.b && echo 3 >x.txt && echo 4 >other/y.txt && printf "#!/bin/sh\\n" >run && chmod 755 run && echo [ >"[q]" && touch -t 195001010000 x.txt run',
          remote,
        );
        const fetched = await getBeside(
          remote,
          ["out/", "./*.txt", "o*/y.txt", "none*", "run", "[q]"],
          local,
        );
        expect(fetched).toEqual({ files: 6, bytes: 20, skipped: [], missing: ["none*"] });
        expect(readTree(local)).toEqual(["[q]", "other/y.txt", "out/.b", "out/deep/a", "run", "x.txt"]);
        expect(lstatSync(join(local, "run")).mode & 0o100).toBe(0o100);
        await sh('echo 33 >"$1"/x.txt', remote);
        await getBeside(remote, ["x.txt"], local);
        expect(readFileSync(join(local, "x.txt"), "utf8")).toBe("33\n");
        expect((await getBeside(remote, ["."], join(local, "all"))).files).toBe(6);
        await sh('mkdir "$1"/.c && echo 5 >"$1"/.c/y.txt && echo 6 >"$1"/.d', remote);
        expect(await getBeside(remote, [".*", ".*/y.txt"], join(local, "dots"))).toMatchObject({
          files: 2,
          skipped: [], // neither the folder itself nor the one above it
        });
      });

      test("T8: names that a shell, an option or a line would take for something else", async () => {
        const { local, remote } = await fresh();
        for (const name of oddNames)
          await sh('mkdir "$1" && printf %s "$2" >"$1/$2"', `${remote}/${name}`, name);
        await sh('cd "$1" && printf bad >"$(printf "f\\377\\376")"', remote);
        await getBeside(remote, [...oddNames, "f*"], local);
        for (const name of oddNames) expect(readFileSync(join(local, name, name), "utf8")).toBe(name);
        const bad = Buffer.concat([Buffer.from(`${local}/f`), Buffer.from([0xff, 0xfe])]);
        if (process.platform === "linux") expect(readFileSync(bad, "utf8")).toBe("bad");
      });

      test("T8: links, pipes and what is behind links stay there, and are named", async () => {
        const { local, remote } = await fresh();
        await sh(
          'cd "$1" && mkdir o && ln -s /etc o/folder && ln -s /etc/passwd o/file && ln -s . top && mkfifo o/pipe && echo 1 >o/real',
          remote,
        );
        const { files, skipped } = await getBeside(remote, ["o", "o/folder/passwd", "top/o/real"], local);
        expect([files, readTree(local)]).toEqual([1, ["o/real"]]);
        expect(skipped.map(({ path }) => path).toSorted()).toEqual([
          "o/file",
          "o/folder",
          "o/folder/passwd",
          "o/pipe",
          "top/o/real",
        ]);
      });

      test("T8: a link that stands in the way here is never followed", async () => {
        const { local, remote } = await fresh();
        const outside = join(here, `outside-${count}`);
        mkdirSync(outside);
        writeFileSync(join(outside, "kept"), "kept");
        await sh('cd "$1" && mkdir d && echo 1 >d/x && echo 2 >f && echo 3 >kept', remote);
        symlinkSync(outside, join(local, "d"));
        symlinkSync(join(outside, "kept"), join(local, "kept"));
        const { files, skipped } = await getBeside(remote, ["d", "f", "kept"], local);
        expect([files, skipped.map(({ path }) => path)]).toEqual([2, ["d/x"]]);
        expect([readdirSync(outside), readFileSync(join(outside, "kept"), "utf8")]).toEqual([
          ["kept"],
          "kept",
        ]);
        expect([readlinkSync(join(local, "d")), readFileSync(join(local, "kept"), "utf8")]).toEqual([
          outside,
          "3\n",
        ]);
      });
    });

    describe("get", () => {
      test("T8: a pattern cannot lead out", async () => {
        const { local, remote } = await fresh();
        for (const pattern of ["../x", "/etc/passwd", "a/../../x"])
          await expect(machine.get(remote, [pattern], local)).rejects.toMatchObject({ code: "TRANSFER" });
        await expect(machine.get(`${remote}/none`, ["x"], local)).rejects.toMatchObject({ code: "TRANSFER" });
      });

      test("where the folder cannot be made, it is said, and what stands there stays", async () => {
        const { local, remote } = await fresh();
        await sh('echo 1 >"$1"/x', remote);
        writeFileSync(join(local, "file"), "kept");
        symlinkSync("gone/away", join(local, "link")); // as to a disk that is not mounted
        symlinkSync("loop", join(local, "loop"));
        for (const name of ["file", "link", "loop", "file/in", "loop/in"]) {
          const failed = machine.get(remote, ["x"], join(local, name));
          await expect(failed, name).rejects.toMatchObject({ code: "TRANSFER" });
        }
        expect(readFileSync(join(local, "file"), "utf8")).toBe("kept");
      });

      test("T8: a link that takes a folder's place again and again meanwhile leads nothing out", async () => {
        const { local, remote } = await fresh();
        const outside = join(here, `outside-${count}`);
        mkdirSync(outside);
        await sh('cd "$1" && mkdir d && cd d && for i in $(seq 300); do echo $i >$i; done', remote);
        mkdirSync(join(local, "d"));
        symlinkSync(outside, join(local, "link"));
        const over = new AbortController();
        const swap = async () => {
          while (!over.signal.aborted) {
            renameSync(join(local, "d"), join(local, "aside"));
            renameSync(join(local, "link"), join(local, "d"));
            await delay(0);
            renameSync(join(local, "d"), join(local, "link"));
            renameSync(join(local, "aside"), join(local, "d"));
            await delay(0);
          }
        };
        const swapping = swap().catch(() => undefined); // the fetch made the folder anew in between
        for (let round = 0; round < 5; round++)
          await machine.get(remote, ["d"], local).catch(() => undefined);
        over.abort();
        await swapping;
        expect(readdirSync(outside)).toEqual([]);
      });

      test("T15: more than the limit is refused before anything is brought", async () => {
        const { local, remote } = await fresh();
        await sh('cd "$1" && head -c 3000 /dev/zero >a && head -c 3000 /dev/zero >b', remote);
        await expect(machine.get(remote, ["."], local, { maxBytes: 5_000 })).rejects.toMatchObject({
          code: "FETCH_TOO_LARGE",
        });
        expect(readdirSync(local)).toEqual([]);
        expect((await machine.get(remote, ["a"], local, { maxBytes: 5_000 })).files).toBe(1);
      });

      test("an abort meanwhile is INTERRUPTED, and nothing of it is in place", async () => {
        const { local, remote } = await fresh();
        await sh('head -c 60000000 /dev/zero >"$1"/big', remote);
        const stop = new AbortController();
        const fetching = machine.get(remote, ["big"], local, {
          signal: stop.signal,
          onProgress: (doneBytes) => doneBytes > 0 && stop.abort(),
        });
        await expect(fetching).rejects.toMatchObject({ code: "INTERRUPTED" });
        expect(readdirSync(local).filter((name) => !name.startsWith(".sesta-fetch-"))).toEqual([]);
      });

      test("F21: killed at any moment, nobody sees a part, and the next one ends it", async () => {
        const { local, remote } = await fresh();
        await sh('cd "$1" && for i in 1 2 3 4; do head -c 6000000 /dev/zero | tr "\\0" $i >$i; done', remote);
        for (const killMs of [60, 120, 180, 240, 300, 400]) {
          const code = `${get().module}
            process.stdout.write("x");
            await machine.get(${JSON.stringify(remote)}, ["*"], ${JSON.stringify(local)});
            process.exit();`;
          await killAfter(code, killMs);
          for (const name of readdirSync(local).filter((one) => !one.startsWith(".")))
            expect(lstatSync(join(local, name)).size).toBe(6_000_000);
        }
        const seen: number[] = [];
        await machine.get(remote, ["*"], local, { onProgress: (doneBytes) => seen.push(doneBytes) });
        expect(seen.at(-1)).toBe(24_000_000);
        expect(readdirSync(local).toSorted()).toEqual(["1", "2", "3", "4"]);
        for (const name of ["1", "2", "3", "4"])
          expect(readFileSync(join(local, name)).equals(Buffer.alloc(6_000_000, name))).toBe(true);
      });
    });
  });
}

/** Runs the module and kills it so long after it said something. */
async function killAfter(code: string, ms: number): Promise<void> {
  const child = spawn(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", code],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(child.stdout, "data");
  await delay(ms);
  child.kill("SIGKILL");
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

function readTree(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .toSorted();
}
