// F6, F7: a file is whole at every moment: the order of its system calls, a full disk, a kill in between.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { makePrivateFolder, writeAtomic } from "./atomic-file.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-atomic-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const straceWorks = spawnSync("strace", ["-f", "-e", "trace=none", "true"]).status === 0;
if (!straceWorks) console.log("skipped: strace does not work here, so system calls are not looked at");
const module = join(import.meta.dirname, "atomic-file.ts");
// One thread of the pool, so that the calls come in their order and can be counted.
const env = { ...process.env, UV_THREADPOOL_SIZE: "1" };

/** Arguments for a Node that writes `content` to `path`. */
function writer(path: string, content: string): string[] {
  const code = `import { writeAtomic } from ${JSON.stringify(module)};
    await writeAtomic(${JSON.stringify(path)}, ${JSON.stringify(content)}).catch((error) => { console.log(error.code); process.exitCode = 3; });`;
  return ["--disable-warning=ExperimentalWarning", "--input-type=module-typescript", "-e", code];
}

function strace(options: readonly string[], path: string, content: string) {
  return spawnSync("strace", ["-f", "-qq", ...options, process.execPath, ...writer(path, content)], {
    env,
    encoding: "utf8",
  });
}

describe("written", () => {
  test("0600 unless another mode is said, whatever stood there; nothing else is left", async () => {
    const own = mkdtempSync(join(folder, "modes-"));
    await writeAtomic(join(own, "a"), "one");
    await writeAtomic(join(own, "b"), new Uint8Array([0, 255]), 0o644);
    writeFileSync(join(own, "c"), "old", { mode: 0o666 });
    await writeAtomic(join(own, "c"), "new");
    expect(readdirSync(own).toSorted()).toEqual(["a", "b", "c"]);
    expect(
      readdirSync(own)
        .toSorted()
        .map((name) => statSync(join(own, name)).mode & 0o777),
    ).toEqual([0o600, 0o644, 0o600]);
    expect(readFileSync(join(own, "b"))).toEqual(Buffer.from([0, 255]));
    expect(readFileSync(join(own, "c"), "utf8")).toBe("new");
  });

  test("fifty at once: the last whole one stands, no part of any", async () => {
    const own = mkdtempSync(join(folder, "many-"));
    const contents = Array.from({ length: 50 }, (_, index) => String(index).repeat(20_000));
    await Promise.all(contents.map((content) => writeAtomic(join(own, "one"), content)));
    expect(contents).toContain(readFileSync(join(own, "one"), "utf8"));
    expect(readdirSync(own)).toEqual(["one"]);
  });

  test("a failure leaves the old content and no temporary file", async () => {
    const own = mkdtempSync(join(folder, "failed-"));
    mkdirSync(join(own, "taken"));
    await expect(writeAtomic(join(own, "taken"), "x")).rejects.toMatchObject({ code: "EISDIR" });
    await expect(writeAtomic(join(own, "missing", "a"), "x")).rejects.toMatchObject({ code: "ENOENT" });
    expect(readdirSync(own)).toEqual(["taken"]);
  });

  test("a private folder is its owner's alone, with all that was made on the way", async () => {
    await makePrivateFolder(join(folder, "private", "inner"));
    expect(["private", "private/inner"].map((name) => statSync(join(folder, name)).mode & 0o777)).toEqual([
      0o700, 0o700,
    ]);
  });
});

describe.skipIf(!straceWorks)("under strace", { timeout: 120_000 }, () => {
  test("F6: the file is synced, then renamed, then its folder is synced", () => {
    const own = mkdtempSync(join(folder, "order-"));
    const { stderr } = strace(
      ["-y", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2"],
      join(own, "state"),
      "new",
    );
    const calls = stderr.split("\n").filter((line) => line.includes(own));
    expect(calls.map((line) => /(fsync|rename)/.exec(line)?.[1])).toEqual(["fsync", "rename", "fsync"]);
    expect(calls[0]).toMatch(/fsync\(\d+<[^>]*state\.[0-9a-f]{12}\.tmp>\) += 0/);
    expect(calls[2]).toContain(`<${own}>`);
  });

  test.each(["fsync", "rename,renameat,renameat2"])(
    "F7: no space at %s: the old content stays, alone",
    (calls) => {
      const own = mkdtempSync(join(folder, "full-"));
      const path = join(own, "state");
      writeFileSync(path, "old");
      const ran = strace(["-e", `trace=${calls}`, "-e", `inject=${calls}:error=ENOSPC:when=1`], path, "new");
      expect([ran.status, ran.stdout.trim()]).toEqual([3, "ENOSPC"]);
      expect(readdirSync(own)).toEqual(["state"]);
      expect(readFileSync(path, "utf8")).toBe("old");
    },
  );

  test("F6: killed at any of its last calls, old or new is there, whole", () => {
    const own = mkdtempSync(join(folder, "killed-"));
    const path = join(own, "state");
    const count =
      strace(["-e", "trace=write,pwrite64"], path, "x").stderr.match(/write(?:64)?\(/g)?.length ?? 0;
    const points = [
      ...Array.from({ length: 8 }, (_, index) => `write,pwrite64:signal=KILL:when=${count - index}`),
      "fsync:signal=KILL:when=1",
      "fsync:signal=KILL:when=2",
      "rename,renameat,renameat2:signal=KILL:when=1",
    ];
    const seen = points.map((point) => {
      writeFileSync(path, "old content");
      const ran = strace(["-o", "/dev/null", "-e", `inject=${point}`], path, "new content");
      expect(["old content", "new content"]).toContain(readFileSync(path, "utf8"));
      return ran.signal === "SIGKILL" || ran.status === 137;
    });
    expect(seen.filter((killed) => killed).length).toBeGreaterThan(5);
  });
});

const namespaceWorks = spawnSync("unshare", ["-rm", "mount", "-t", "tmpfs", "tmpfs", folder]).status === 0;
if (!namespaceWorks) console.log("skipped: no mount in a namespace of one's own here, so no disk is filled");

test.skipIf(!namespaceWorks)("F7: on a disk that is full the old content stays, alone", () => {
  const own = mkdtempSync(join(folder, "disk-"));
  const code = `import { readdirSync, readFileSync, writeFileSync } from "node:fs";
    import { writeAtomic } from ${JSON.stringify(module)};
    const path = ${JSON.stringify(join(own, "state"))};
    writeFileSync(path, "old");
    const failed = await writeAtomic(path, Buffer.alloc(1_000_000)).then(() => "", (error) => error.code);
    console.log(JSON.stringify([failed, readdirSync(${JSON.stringify(own)}), readFileSync(path, "utf8")]));`;
  const ran = spawnSync(
    "unshare",
    [
      "-rm",
      "sh",
      "-c",
      'mount -t tmpfs -o size=64k tmpfs "$0" && exec "$@"',
      own,
      process.execPath,
      "--disable-warning=ExperimentalWarning",
      "--input-type=module-typescript",
      "-e",
      code,
    ],
    { encoding: "utf8" },
  );
  expect([ran.stderr, JSON.parse(ran.stdout)]).toEqual(["", ["ENOSPC", ["state"], "old"]]);
});
