// The scripts that set a machine up for jobs, by themselves: what is already there, what is brought, what is taken away.
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findMissingShell, type ShellName } from "./support/run-rig.ts";
import { root } from "./support/source-files.ts";

const shells: readonly ShellName[] = ["dash", "busybox"];

for (const shell of shells) {
  const missing = findMissingShell(shell);
  if (missing !== undefined) console.log(`skipped: the set-up scripts under ${shell}: ${missing}`);
  describe.skipIf(missing !== undefined)(`under ${shell}`, () => testScripts(shell));
}

function testScripts(shell: ShellName) {
  let folder: string;
  let bin: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "sesta set-up' "));
    bin = join(folder, "bin");
    mkdirSync(bin);
    if (shell === "busybox") execFileSync("/bin/busybox", ["--install", "-s", bin]);
    else for (const name of tools) symlinkSync(findProgram(name), join(bin, name));
  });
  afterEach(() => {
    spawnSync("chmod", ["-R", "u+rwX", folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Only the tools in `bin` are there. */
  function run(script: string, ...operands: string[]): Promise<{ code: number; out: string; err: string }> {
    const child = spawn(join(bin, "sh"), [resolve(root, "src/machine/setup", script), ...operands], {
      env: { PATH: bin, HOME: folder, OUT: folder },
    });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    return new Promise((resolve) => child.once("close", (code) => resolve({ code: code ?? 128, out, err })));
  }

  function provide(name: string, text: string): void {
    rmSync(join(bin, name), { force: true });
    writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(bin, name), 0o755);
  }

  describe("packages", () => {
    /** Words that a program was given, once for each call. */
    const notes = (name: string) => `printf '%s\\n' "$*" >>"$OUT/${name}.called"`;
    const called = (name: string) =>
      readFileSync(join(folder, `${name}.called`), "utf8")
        .trim()
        .split("\n");

    test("one with a version is there in that version alone", async () => {
      provide("apt-get", "");
      provide("dpkg-query", "printf '%s\\n' 'foo installed 1.20' 'bar installed 2:1.0-1'");
      const names = ["foo", "foo=1.20", "foo=1.2", "foo=1", "bar=2:1.0-1", "bar=2:1.0", "fo"];
      expect((await run("packages.sh", "check", ...names)).out.trim().split("\n")).toEqual([
        "foo=1.2",
        "foo=1",
        "bar=2:1.0",
        "fo",
      ]);
    });

    test("apt-get is told where names begin", async () => {
      provide("apt-get", notes("apt-get"));
      provide("id", "echo 0");
      expect(await run("packages.sh", "install", "g++", "vim=2:9.0")).toMatchObject({ code: 0 });
      expect(called("apt-get")[1]).toMatch(/^install .* -- g\+\+ vim=2:9\.0$/);
    });

    test.each([
      ["dnf", "install -y -q --refresh git-2.39"],
      ["yum", "install -y -q git-2.39"],
    ])("%s is given only what it knows", async (manager, words) => {
      provide(manager, notes(manager));
      provide("id", "echo 0");
      expect(await run("packages.sh", "install", "git=2.39")).toMatchObject({ code: 0 });
      expect(called(manager)).toEqual([words]);
    });
  });

  describe("data from an address", () => {
    const bytes = randomBytes(100_000);
    const sha256 = createHash("sha256").update(bytes).digest("hex");
    let server: Server;
    let url: string;
    beforeEach(async () => {
      server = createServer((request, response) => {
        if (request.url === "/short") {
          response.writeHead(200, { "content-length": bytes.length });
          return void response.write(bytes.subarray(0, 40_000), () => response.destroy());
        }
        const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
        if (from > 0)
          response.writeHead(206, { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` });
        response.end(bytes.subarray(from));
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => void server.close());
    const place = () => join(folder, "data/file");
    // BusyBox takes its own wget before any other.
    const loaders = shell === "busybox" ? ["curl"] : ["curl", "wget", "python3"];

    function choose(loader: string): void {
      symlinkSync(findProgram(loader), join(bin, loader));
    }

    test.each(
      loaders.flatMap((loader) => [
        [loader, "", "of another file"],
        [loader, sha256, "of another file"],
        [loader, sha256, "of this one"],
      ]),
    )("by %s, with the sum %j, over a part %s: all of it", async (loader, sum, part) => {
      choose(loader);
      mkdirSync(join(folder, "data"));
      writeFileSync(`${place()}.part`, part === "of this one" ? bytes.subarray(0, 50_000) : "another");
      expect(await run("data.sh", "fetch", `${url}/file`, place(), sum)).toMatchObject({ code: 0 });
      expect(readFileSync(place()).equals(bytes)).toBe(true);
      expect(readdirSync(join(folder, "data"))).toEqual(["file"]);
    });

    test("a line that stalls is given up", async () => {
      provide("curl", `printf '%s\\n' "$*" >>"$OUT/curl.called"; exit 28`);
      expect(await run("data.sh", "fetch", `${url}/file`, place(), "")).toMatchObject({ code: 6 });
      const called = readFileSync(join(folder, "curl.called"), "utf8");
      expect(called).toMatch(/--connect-timeout 30 --speed-limit 1 --speed-time 60 -o/);
    });

    test.each(loaders)("by %s, broken off: refused", async (loader) => {
      choose(loader);
      expect(await run("data.sh", "fetch", `${url}/short`, place(), "")).toMatchObject({ code: 6 });
      expect(existsSync(place())).toBe(false);
    });
  });

  test.each([
    ["an owner with a size of its own", "x/y 0", 20_000_000, 6],
    ["one that is like all that stands before a name", "x/y 0 2020-01-01 00:00 a", 20_000_000, 6],
    ["one of two words", "Jane Doe", 1_000, 0],
  ])("T15: a tar archive with %s is not believed more than its size", async (_, owner, size, code) => {
    const archive = join(folder, "a.tar");
    const strict = join(folder, "data.sh");
    const text = readFileSync(join(root, "src/machine/setup/data.sh"), "utf8");
    writeFileSync(strict, text.replace(/^mostBytes=.*$/m, "mostBytes=10000000"));
    const making =
      'import io, sys, tarfile\nwith tarfile.open(sys.argv[1], "w") as t:\n i = tarfile.TarInfo("f"); i.uname = sys.argv[2]; i.size = int(sys.argv[3]); t.addfile(i, io.BytesIO(bytes(i.size)))';
    execFileSync(findProgram("python3"), ["-c", making, archive, owner, String(size)]);
    expect(await run(strict, "unpack", archive, join(folder, "to"))).toMatchObject({ code });
    expect(existsSync(join(folder, "to/f"))).toBe(code === 0);
  });

  test("what a run on its way names stays; what was on its way for one that is removed goes", async () => {
    const base = join(folder, ".sesta");
    const [used, free] = [join(base, "cache/data/used"), join(base, "cache/data/free")];
    for (const path of [used, free, join(base, "runs/train-1-abcd")]) mkdirSync(path, { recursive: true });
    for (const id of ["train-1-abcd", "train-2-efgh", "train-1-abcde"]) {
      mkdirSync(join(base, `runs/.new-${id}.x`));
      writeFileSync(join(base, `runs/.new-${id}.x/env`), "export SECRET=canary");
    }
    writeFileSync(join(base, "runs/.new-train-2-efgh.x/links"), `ln -s '${used}' ./data`);
    expect(await run("remove.sh", base, join(base, "runs/train-1-abcd"), used, free)).toMatchObject({
      code: 0,
    });
    expect([existsSync(used), existsSync(free)]).toEqual([true, false]);
    expect(readdirSync(join(base, "runs")).toSorted()).toEqual([
      ".new-train-1-abcde.x",
      ".new-train-2-efgh.x",
    ]);
  });
}

const tools = "sh awk cat chmod cut dirname env grep gzip head mkdir mv od rm sed sha256sum tar tr wc".split(
  " ",
);

function findProgram(name: string): string {
  if (name === "python3")
    return execFileSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).trim();
  const found = ["/bin", "/usr/bin"].map((place) => join(place, name)).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`${name} is not installed`);
  return found;
}
