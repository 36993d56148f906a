// Where uv comes from: PATH, the cache, pip, the wheel itself; on a scratch PATH that holds just what each case needs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { createLocalMachine } from "./local.ts";
import { ensureUv, findUv } from "./uv.ts";

const folder = mkdtempSync(join(tmpdir(), "sesta-uv-"));
const servers: Server[] = [];
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true, force: true });
});

const python = findPython();
const hasPip = python !== undefined && spawnSync(python, ["-m", "pip", "--version"]).status === 0;
const uvWheel = hasPip ? downloadWheel() : undefined;
if (uvWheel === undefined)
  console.log("skipped: python3 with pip and a package index are not here, so uv is not installed");

/** A machine whose PATH holds these programs alone. */
function machineWith(programs: Readonly<Record<string, string>>) {
  const bin = mkdtempSync(join(folder, "bin-"));
  for (const [name, text] of Object.entries(programs)) writeFileSync(join(bin, name), text, { mode: 0o755 });
  return {
    bin,
    machine: createLocalMachine({ ...withoutPath(), PATH: bin }),
    cache: mkdtempSync(join(folder, "cache-")),
  };
}

const silent = () => undefined;

describe("found", () => {
  test("on PATH: taken as it is, nothing is installed", async () => {
    const { machine, cache } = machineWith({ uv: "#!/bin/sh\necho uv 0.0.1\n" });
    const details: string[] = [];
    expect(await ensureUv(machine, cache, (text) => details.push(text))).toBe("uv");
    expect([details, existsSync(join(cache, "uv"))]).toEqual([[], false]);
  });

  test("in the cache, when the one on PATH does not work", async () => {
    const { machine, cache } = machineWith({ uv: "#!/bin/sh\nexit 1\n" });
    const own = join(cache, "uv", "bin", "uv");
    mkdirSync(join(cache, "uv", "bin"), { recursive: true });
    writeFileSync(own, "#!/bin/sh\necho uv\n", { mode: 0o755 });
    expect([await findUv(machine, cache), await ensureUv(machine, cache, silent)]).toEqual([own, own]);
  });

  test("nowhere", async () => {
    const { machine, cache } = machineWith({});
    expect(await findUv(machine, cache)).toBeUndefined();
  });
});

describe("not there", () => {
  test("without python3 either: PYTHON_MISSING, with what to do", async () => {
    const { machine, cache } = machineWith({});
    await expect(ensureUv(machine, cache, silent)).rejects.toMatchObject({
      code: "PYTHON_MISSING",
      hint: expect.stringContaining("python3") as string,
    });
  });

  test("a python3 that can do nothing: UV_MISSING, with its last line", async () => {
    const { machine, cache } = machineWith({
      python3: '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "no route to the index" >&2\nexit 1\n',
    });
    await expect(ensureUv(machine, cache, silent)).rejects.toMatchObject({
      code: "UV_MISSING",
      message: expect.stringContaining("no route to the index") as string,
    });
  });
});

describe("installed", { timeout: 300_000 }, () => {
  test.skipIf(uvWheel === undefined)("by pip, into an empty cache, and found there afterwards", async () => {
    const { machine, cache, bin } = machineWith({});
    link(bin, python ?? "");
    const details: string[] = [];
    const uv = await ensureUv(machine, cache, (text) => details.push(text));
    expect([uv, details]).toEqual([join(cache, "uv", "bin", "uv"), ["installing uv"]]);
    expect((await machine.run([uv, "--version"])).stdout).toMatch(/^uv 0\.13\.8/);
    expect(await ensureUv(machine, cache, silent)).toBe(uv);
  });

  describe.skipIf(uvWheel === undefined)("where python3 has no pip", () => {
    test("from its wheel: the one for this system, whose digest is right", async () => {
      const { machine, cache } = await machineWithoutPip((digest) => digest);
      const uv = await ensureUv(machine, cache, silent);
      expect(uv).toBe(join(cache, "uv", "bin", "uv"));
      expect((await machine.run([uv, "--version"])).stdout).toMatch(/^uv 0\.13\.8/);
    });

    test("a wheel that is not what the index says is not installed", async () => {
      const { machine, cache } = await machineWithoutPip((digest) =>
        digest.replace(/^./, (one) => (one === "0" ? "1" : "0")),
      );
      await expect(ensureUv(machine, cache, silent)).rejects.toMatchObject({
        code: "UV_MISSING",
        message: expect.stringContaining("digest") as string,
      });
      expect(existsSync(join(cache, "uv", "bin", "uv"))).toBe(false);
    });
  });
});

/** Its python3 finds no pip, and a server of ours where it looks for PyPI. */
async function machineWithoutPip(digestOf: (digest: string) => string) {
  const wheel = readFileSync(uvWheel ?? "");
  const name = basename(uvWheel ?? "");
  const digest = digestOf(createHash("sha256").update(wheel).digest("hex"));
  const index = createServer((request, response) => {
    if (request.url === `/${name}`) return void response.end(wheel);
    const { port } = index.address() as { port: number };
    const others = [
      "uv-0.13.8.tar.gz",
      name.replace(/manylinux|musllinux|macosx/g, "win"),
      name.replace(/x86_64|aarch64|arm64/g, "s390x"),
    ];
    const urls = [...others, name].map((filename) => ({
      filename,
      url: `http://127.0.0.1:${port}/${filename}`,
      digests: { sha256: digest },
    }));
    response.end(JSON.stringify({ urls }));
  }).listen(0, "127.0.0.1");
  servers.push(index);
  await once(index, "listening");
  const { port } = index.address() as { port: number };
  const site = mkdtempSync(join(folder, "site-"));
  writeFileSync(
    join(site, "sitecustomize.py"),
    `import urllib.request as u\nreal = u.urlopen\nu.urlopen = lambda url, **more: real(url.replace("https://pypi.org", "http://127.0.0.1:${port}"), **more)\n`,
  );
  return machineWith({
    python3: `#!/bin/sh\n[ "$2" = pip ] && { echo "No module named pip" >&2; exit 1; }\nPYTHONPATH='${site}' no_proxy='*' exec '${realpathSync(python ?? "")}' "$@"\n`,
  });
}

function downloadWheel(): string | undefined {
  const to = join(folder, "download");
  spawnSync(python ?? "", ["-m", "pip", "download", "--no-deps", "--quiet", "--dest", to, "uv==0.13.8"]);
  const [name] = existsSync(to) ? readdirSync(to) : [];
  return name === undefined ? undefined : join(to, name);
}

/** The program itself, not a shim that looks for others on PATH. */
function findPython(): string | undefined {
  const { stdout, status } = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], {
    encoding: "utf8",
  });
  return status === 0 ? stdout.trim() : undefined;
}

function link(bin: string, program: string): void {
  writeFileSync(join(bin, "python3"), `#!/bin/sh\nexec ${JSON.stringify(realpathSync(program))} "$@"\n`, {
    mode: 0o755,
  });
}

function withoutPath(): NodeJS.ProcessEnv {
  const { PATH: _, ...env } = process.env;
  return env;
}
