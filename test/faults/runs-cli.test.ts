// Runs on a host over SSH through the real executable, while the command, the connection and sshd are killed: one run,
// one program, every byte once, whole files or none.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findInFiles } from "../support/canary.ts";
import { findMissingShell, listMarked } from "../support/run-rig.ts";
import { createRunHost, type RunHost, type RunProject } from "../support/run-project.ts";
import { findMissingSshd } from "../support/ssh-server.ts";
import { findMissingNetwork, makeNetwork } from "./support/network.ts";
import { limitMs, points } from "./support/points.ts";
import { killHard, until } from "./support/processes.ts";
import { findMissingMount, mountSmallDisk } from "./support/small-disk.ts";

const missing = findMissingSshd();
if (missing !== undefined) console.log(`skipped: ${missing}`);

describe.skipIf(missing !== undefined)("runs over SSH", { timeout: 120_000 }, () => {
  let host: RunHost;
  beforeAll(async () => {
    host = await createRunHost();
  });
  afterAll(() => host?.end());

  async function succeed(project: RunProject, ...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await project.sesta(...argv);
    expect([argv, code, code === 0 ? "" : stderr]).toEqual([argv, 0, ""]);
    return stdout.toString();
  }

  describe("the command killed", () => {
    const job = {
      data: ["data.bin"],
      setup: "sleep 0.3; echo made >made",
      run: 'echo $$ >>"$OUT/starts"; sleep 0.5; cat data.bin made >big; mkdir -p o; cp big o/two; echo done',
      fetch: ["big", "o/"],
    };
    const wholeMs = 5_500;

    test(
      "F3, F21: at any moment of upload, setup, submission, following and fetching: one run, one program, whole files",
      { timeout: limitMs(4, 70, 25_000) },
      async () => {
        for (const point of points(4, 70)) {
          const project = host.createProject({ train: job });
          const data = Buffer.alloc(1_000_000, `${point}\n`);
          project.write("data.bin", data);
          project.write("train.py", `# ${point}`);
          const killed = project.start(["run", "train", "-y"]);
          await delay((point / 70) * wholeMs);
          killed.child.kill("SIGKILL");
          await killed.ended;
          for (const path of ["results/train/big", "results/train/o/two"]) {
            if (project.has(path))
              expect([point, project.read(path).length]).toEqual([point, data.length + 5]);
          }
          const [before] = await project.runs();
          const again = await project.sesta("run", "train", "-y");
          expect([point, again.code, again.stdout.toString()]).toEqual([point, 0, "done\n"]);
          const runs = await project.runs();
          // One that came to its end, outputs and all, owes nothing; the same command is another run then.
          const wanted = before?.fetched ? 2 : 1;
          expect([point, runs.length, project.lines("starts").length]).toEqual([point, wanted, wanted]);
          for (const path of ["big", "o/two"]) {
            const found = project.read(`results/train/${path}`);
            expect([point, found.equals(Buffer.concat([data, Buffer.from("made\n")]))]).toEqual([
              point,
              true,
            ]);
          }
          expect(readdirSync(join(project.folder, "results/train")).toSorted()).toEqual(
            before?.fetched ? expect.arrayContaining(["big", "o"]) : ["big", "o"],
          );
        }
      },
    );

    test("F3: killed while it follows, and never come back to: the run ends by itself and is fetched later", async () => {
      const project = host.createProject({ train: { run: "sleep 1; echo one | tee o", fetch: ["o"] } });
      const killed = project.start(["run", "train", "-y"]);
      await until(async () => (await project.runs())[0]?.state === "running", "it does not run");
      killed.child.kill("SIGKILL");
      const [run] = await project.runs();
      await project.untilState(run?.id ?? "", "succeeded");
      expect(await succeed(project, "fetch", "train")).toContain("o");
      expect(project.read("results/train/o").toString()).toBe("one\n");
    });

    test("F3: a run whose command died before it reached the machine can be stopped, and never begins", async () => {
      const project = host.createProject({
        train: { setup: "sleep 2", run: 'echo $$ >>"$OUT/starts"' },
      });
      const killed = project.start(["run", "train", "-y"]);
      const run = await until(async () => (await project.runs())[0], "there is no run");
      killed.child.kill("SIGKILL");
      await killed.ended;
      expect(await succeed(project, "stop", run.id)).toContain("stopped");
      await succeed(project, "run", "train", "-y");
      expect([project.lines("starts").length, (await project.runs()).map(({ state }) => state)]).toEqual([
        1,
        ["succeeded", "stopped"],
      ]);
    });

    test("F3: a stop while another command still brings it: it does not begin", async () => {
      const project = host.createProject({
        train: { setup: "sleep 3", run: 'echo $$ >>"$OUT/starts"' },
      });
      const bringing = project.start(["run", "train", "-y"]);
      const run = await until(async () => (await project.runs())[0], "there is no run");
      expect(await succeed(project, "stop", run.id)).toContain("stopped");
      const { code, stderr } = await bringing.ended;
      expect([code, stderr]).toEqual([1, expect.stringContaining("stopped before it began")]);
      expect(project.lines("starts")).toEqual([]);
      expect((await project.runs()).map(({ state }) => state)).toEqual(["stopped"]);
    });
  });

  describe("the connection cut", () => {
    test("F4: sshd, its sessions and the shared connection killed again and again: every byte once", async () => {
      const bursts = 16;
      const project = host.createProject({
        noise: {
          run: `i=0; while [ $i -lt ${bursts} ]; do head -c 70000 /dev/urandom; sleep 0.4; i=$((i + 1)); done; echo $$ >>"$OUT/starts"`,
          stdout: "noise.bin",
          fetch: ["noise.bin"],
        },
      });
      const following = project.start(["run", "noise", "-y"]);
      await until(
        () => following.stdout().length > 0,
        () => `nothing comes: ${following.stderr()}`,
      );
      await project.killMaster();
      await delay(700);
      await project.killMaster();
      await host.killServer();
      await delay(1_500);
      await host.restartServer();
      await delay(500);
      const { code, stdout, stderr } = await following.ended;
      expect([code, stderr]).toEqual([0, expect.stringContaining("is back")]);
      expect(stdout.length).toBe(bursts * 70_000);
      expect(hash(stdout)).toBe(hash(project.read("results/noise/noise.bin")));
      expect([project.lines("starts").length, (await project.runs()).length]).toEqual([1, 1]);
    });

    test("L11: a million lines with colours and broken UTF-8 are shown as they are", async () => {
      const lines = process.env["SESTA_FULL"] === "1" ? 1_000_000 : 100_000;
      const project = host.createProject({
        noise: { run: `yes "$(printf '\\033[31mred\\033[0m \\377\\376 \\303')" | head -n ${lines}` },
      });
      const { code, stdout } = await project.sesta("run", "noise", "-y");
      const line = Buffer.from("\u001b[31mred\u001b[0m \xff\xfe \xc3\n", "latin1");
      expect(code).toBe(0);
      expect(stdout.length).toBe(lines * line.length);
      expect(stdout.equals(Buffer.alloc(stdout.length, line))).toBe(true);
    });

    test(
      "L11: output as fast as it comes leaves the command's memory flat",
      { timeout: 900_000 },
      async () => {
        const megabytes = process.env["SESTA_FULL"] === "1" ? 10_000 : 300;
        const project = host.createProject({ noise: { run: `head -c ${megabytes}000000 /dev/zero` } });
        const following = project.start(["run", "noise", "-y"]);
        let [peakKb, bytes] = [0, 0];
        following.child.stdout
          ?.removeAllListeners("data")
          .on("data", (part: Buffer) => (bytes += part.length));
        const looking = setInterval(() => {
          const found = /VmHWM:\s+(\d+)/.exec(read(`/proc/${following.child.pid}/status`));
          peakKb = Math.max(peakKb, Number(found?.[1] ?? 0));
        }, 200);
        expect((await following.ended).code).toBe(0);
        clearInterval(looking);
        expect(bytes).toBe(megabytes * 1_000_000);
        expect(peakKb).toBeLessThan(300_000);
      },
    );
  });

  describe("many at once", () => {
    test(
      "L3, F20: runs of two commands with three slots: never four at a time, all of them end",
      { timeout: 240_000 },
      async () => {
        const each = process.env["SESTA_FULL"] === "1" ? 10 : 4;
        const job = { run: 'echo + >>"$OUT/line"; sleep 1; echo - >>"$OUT/line"' };
        const project = host.createProject({ train: job }, { slots: 3 });
        await succeed(project, "run", "train", "-y", "-d");
        const submit = async () => {
          for (let index = 0; index < each; index++) await succeed(project, "run", "train", "-y", "-d");
        };
        await Promise.all([submit(), submit()]);
        const total = 2 * each + 1;
        const runs = await until(
          async () => {
            const found = await project.runs();
            return found.every(({ state }) => state === "succeeded") ? found : undefined;
          },
          "they do not end",
          120_000,
        );
        let [now, most] = [0, 0];
        for (const one of project.lines("line")) most = Math.max(most, (now += one === "+" ? 1 : -1));
        expect([runs.length, project.lines("line").length]).toEqual([total, 2 * total]);
        expect(most).toBeLessThanOrEqual(3);
      },
    );

    test("F20: two commands that set up the same machine at once: set up once, two runs", async () => {
      const project = host.createProject({
        train: { setup: 'echo $$ >>"$OUT/setups"; sleep 1', run: 'echo $$ >>"$OUT/starts"' },
      });
      project.write("x", "once");
      await succeed(project, "runs");
      const both = [0, 1].map(() => project.sesta("run", "train", "-y"));
      expect((await Promise.all(both)).map(({ code, stderr }) => [code, code === 0 ? "" : stderr])).toEqual([
        [0, ""],
        [0, ""],
      ]);
      expect(project.lines("starts").length).toBe(2);
      expect((await project.runs()).map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
    });

    test("F20: two projects with the same sources, from two people: both are set up, both run", async () => {
      const projects = [0, 1].map(() => host.createProject({ train: { run: "cat big | wc -c" } }));
      for (const project of projects) project.write("big", Buffer.alloc(20_000_000, "same"));
      // Equal files, so that what goes over is the same as well.
      const yaml = projects[0]?.read("sesta.yaml") ?? "";
      for (const project of projects) project.write("sesta.yaml", yaml);
      const ran = await Promise.all(projects.map((project) => project.sesta("run", "train", "-y")));
      expect(
        ran.map(({ code, stdout, stderr }) => [code, code === 0 ? stdout.toString().trim() : stderr]),
      ).toEqual([
        [0, "20000000"],
        [0, "20000000"],
      ]);
    });
  });

  describe("outputs", () => {
    test("fetched while it runs, again at its end, and never over what an earlier run brought", async () => {
      const project = host.createProject({
        train: { run: 'echo one >o; while [ ! -e "$OUT/go" ]; do sleep 0.1; done; echo $1 >o', fetch: ["o"] },
      });
      const id = (await succeed(project, "run", "train", "-d", "-y", "--", "first")).trim();
      await until(
        () => spawnSync("sh", ["-c", `cat ${host.base}/runs/${id}/work/o`]).status === 0,
        "no output",
      );
      await succeed(project, "fetch", id);
      expect(project.read("results/train/o").toString()).toBe("one\n");
      writeFileSync(join(project.out, "go"), "");
      await project.untilState(id, "succeeded");
      await succeed(project, "fetch", id);
      expect(project.read("results/train/o").toString()).toBe("first\n");
      await succeed(project, "run", "train", "-y", "--", "second");
      const [second] = await project.runs();
      expect(project.read("results/train/o").toString()).toBe("first\n");
      expect(project.read(`results/train/${second?.id}/o`).toString()).toBe("second\n");
      await succeed(project, "fetch", id);
      expect(project.read("results/train/o").toString()).toBe("first\n");
    });

    test("T8: names with new lines, quotes and blanks come home; links, pipes and what leads out do not", async () => {
      const secret = join(host.folder, "secret");
      writeFileSync(secret, "canary");
      const project = host.createProject({
        train: {
          run: `mkdir -p "o/a b"; echo x >"o/a b/it's"; echo x >"o/$(printf 'new\\nline')"; echo x >"o/-n"; echo x >'o/$(touch pwned)';
            echo x >"o/..."; ln -s ${secret} o/link; ln -s ${host.folder} o/folder; mkfifo o/pipe; ln -s ../../.. o/up; echo x >"o/$(printf '\\033[31m')"`,
          fetch: ["o/", "o/up/*", "o/folder/secret"],
        },
      });
      await succeed(project, "run", "train", "-y");
      const found = readdirSync(join(project.folder, "results/train/o"), { recursive: true })
        .map(String)
        .toSorted();
      expect(found).toEqual(
        ["$(touch pwned)", "-n", "...", "a b", "a b/it's", "new\nline", "\u001b[31m"].toSorted(),
      );
      expect(await findInFiles(join(project.folder, "results"), "canary")).toEqual([]);
      const again = await project.sesta("fetch", "train");
      expect(again.stdout.toString() + again.stderr).not.toContain("\u001b[31m");
    });
  });

  describe("the command", () => {
    test("ends with the program's own code, and hands arguments on as they are", async () => {
      const project = host.createProject({ train: { run: 'for a do echo "<$a>"; done; exit 42 #' } });
      const nasty = ["a b", `$(touch ${host.folder}/pwned)`, "'", '"', "*", ""];
      const { code, stdout } = await project.sesta("run", "train", "-y", "--", ...nasty);
      expect([code, stdout.toString()]).toEqual([42, nasty.map((one) => `<${one}>\n`).join("")]);
      expect(existsSync(join(host.folder, "pwned"))).toBe(false);
    });

    test.each(["SIGINT", "SIGTERM"] as const)("%s lets go of it with 130, and it goes on", async (signal) => {
      const project = host.createProject({ train: { run: 'echo up; sleep 1.5; echo $$ >>"$OUT/ended"' } });
      const following = project.start(["run", "train", "-y"]);
      await until(() => following.stdout().length > 0, "it does not come up");
      following.child.kill(signal);
      const { code, stderr } = await following.ended;
      expect([code, stderr]).toEqual([130, expect.stringContaining("goes on without this command")]);
      const [run] = await project.runs();
      await project.untilState(run?.id ?? "", "succeeded");
      expect(project.lines("ended").length).toBe(1);
    });

    test("SIGINT to the whole group, as a terminal sends it, is the same", async () => {
      const project = host.createProject({ train: { run: 'echo up; sleep 1.5; echo $$ >>"$OUT/ended"' } });
      const following = project.start(["run", "train", "-y"], {}, true);
      await until(() => following.stdout().length > 0, "it does not come up");
      process.kill(-(following.child.pid ?? 0), "SIGINT");
      expect((await following.ended).code).toBe(130);
      const [run] = await project.runs();
      await project.untilState(run?.id ?? "", "succeeded");
    });

    test("whoever reads its output may go away", async () => {
      const project = host.createProject({
        train: { run: 'yes | head -c 3000000; sleep 0.5; echo $$ >>"$OUT/ended"' },
      });
      const following = project.start(["run", "train", "-y"]);
      await until(() => following.stdout().length > 0, "it does not come up");
      following.child.stdout?.destroy();
      const { code, stderr } = await following.ended;
      expect(stderr).not.toContain("    at "); // no stack
      expect([0, 1, 130, 141]).toContain(code);
      await until(() => project.lines("ended").length === 1, "the run ended with it");
    });

    test("stop ends a daemon with its run, and says so", async () => {
      const project = host.createProject({ train: { run: "setsid sleep 300 & echo up; sleep 300" } });
      const id = (await succeed(project, "run", "train", "-y", "-d")).trim();
      await project.untilState(id, "running");
      await until(() => listMarked(`SESTA_RUN=${id}`).length > 2, "it does not come up");
      expect(await succeed(project, "stop", id)).toContain("stopped");
      expect(listMarked(`SESTA_RUN=${id}`)).toEqual([]);
    });
  });

  describe("T15: archives", () => {
    const build = (project: RunProject, name: string, script: string) => {
      const folder = join(project.folder, "making");
      mkdirSync(folder);
      execFileSync("python3", ["-c", script, join(project.folder, name)], { cwd: folder });
      spawnSync("rm", ["-rf", folder]);
    };
    const python = "import io, sys, tarfile, zipfile, stat\nto = sys.argv[1]\n";
    const tarOf = (body: string, mode = "w:gz") =>
      `${python}with tarfile.open(to, "${mode}") as t:\n def add(name, data=b"x", **more):\n  i = tarfile.TarInfo(name)\n  for k, v in more.items(): setattr(i, k, v)\n  i.size = len(data) if i.isreg() else 0\n  t.addfile(i, io.BytesIO(data))\n ${body}\n`;
    const zipOf = (body: string) =>
      `${python}with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as z:\n ${body}\n`;

    test.each([
      [
        "a link",
        "a.tar.gz",
        tarOf('add("l", type=tarfile.SYMTYPE, linkname="/etc"); add("l/sesta-pwned")'),
        /link or device/,
      ],
      [
        "a hard link",
        "a.tar.gz",
        tarOf('add("f"); add("h", type=tarfile.LNKTYPE, linkname="/etc/passwd")'),
        /link or device/,
      ],
      [
        "a device",
        "a.tar",
        tarOf('add("d", type=tarfile.CHRTYPE, devmajor=1, devminor=3)', "w"),
        /link or device/,
      ],
      ["a name that leads out", "a.tar.gz", tarOf('add("../../pwned")'), /leads out/],
      ["an absolute name", "a.tar.gz", tarOf('add("/tmp/sesta-pwned")'), /leads out/],
      ["a bomb", "a.tar.gz", tarOf('add("zeros", b"\\0" * 100_000_000)'), /too large/],
      [
        "far too many files",
        "a.tar.gz",
        tarOf('[add(f"f{n}", b"") for n in range(100_001)]'),
        /more than 100000/,
      ],
      [
        "half of an archive",
        "a.tar.gz",
        `${tarOf('add("f", b"abc" * 100000)')}\nb = open(to, "rb").read()\nopen(to, "wb").write(b[:len(b)//2])`,
        /no archive|Unexpected|tar/,
      ],
      ["a zip whose name leads out", "a.zip", zipOf('z.writestr("../pwned", "x")'), /leads out/],
      [
        "a zip with a link",
        "a.zip",
        zipOf(
          'i = zipfile.ZipInfo("l"); i.external_attr = (stat.S_IFLNK | 0o777) << 16; z.writestr(i, "/etc")',
        ),
        /link or device/,
      ],
      ["a zip bomb", "a.zip", zipOf('z.writestr("zeros", b"\\0" * 100_000_000)'), /too large/],
    ])("with %s are refused, and nothing of them is kept", async (_, name, script, why) => {
      const project = host.createProject({ train: { data: [name], run: "true" } });
      build(project, name, script);
      const { code, stderr } = await project.sesta("run", "train", "-y");
      expect([code, stderr]).toEqual([1, expect.stringMatching(why)]);
      expect(existsSync("/tmp/sesta-pwned")).toBe(false);
      expect(existsSync("/etc/sesta-pwned")).toBe(false);
      const left = readdirSync(join(host.base, "cache/data"), { recursive: true }).map(String);
      expect(left.filter((path) => /pwned|zeros|tree\.new|\.list/.test(path))).toEqual([]);
    });

    test("with files and folders alone are unpacked, and may not be changed by a run", async () => {
      const project = host.createProject({
        train: { data: ["a.tar.gz", "b.zip"], run: "cat a/deep/f b/g; echo more >>a/deep/f" },
      });
      build(project, "a.tar.gz", tarOf('add("deep/f", b"one\\n")'));
      build(project, "b.zip", zipOf('z.writestr("g", "two\\n")'));
      const { stdout } = await project.sesta("run", "train", "-y");
      expect(stdout.toString().startsWith("one\ntwo\n")).toBe(true);
    });
  });

  describe("T9: a repository", () => {
    const git = (cwd: string, ...argv: string[]) =>
      execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...argv], {
        cwd,
        stdio: "pipe",
      })
        .toString()
        .trim();
    const branch = "we'ird;touch$IFS/tmp/sesta-pwned";

    test("whose branches, files and hooks are hostile runs nothing of them, and its files arrive", async () => {
      const project = host.createProject({
        train: { repo: "./theirs", ref: branch, run: 'ls -A; cat "it\'s "*' },
      });
      const repository = join(project.folder, "theirs");
      mkdirSync(repository);
      git(repository, "init", "-q", "-b", "main");
      writeFileSync(join(repository, "it's $(x)\nnew"), "hostile\n");
      writeFileSync(join(repository, "-rf"), "");
      writeFileSync(join(repository, ".gitattributes"), "* filter=evil\n");
      symlinkSync("/etc/passwd", join(repository, "link"));
      writeFileSync(join(repository, ".git/hooks/post-checkout"), "#!/bin/sh\ntouch /tmp/sesta-pwned\n");
      chmodSync(join(repository, ".git/hooks/post-checkout"), 0o755);
      git(repository, "config", "core.fsmonitor", "touch /tmp/sesta-pwned");
      git(repository, "-c", "core.fsmonitor=false", "add", "-A");
      git(repository, "-c", "core.fsmonitor=false", "commit", "-qm", "x");
      git(repository, "-c", "core.fsmonitor=false", "branch", branch);
      const { code, stdout, stderr } = await project.sesta("run", "train", "-y");
      expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
      expect(stdout.toString()).toContain("hostile\n");
      expect(existsSync("/tmp/sesta-pwned")).toBe(false);
    });

    test.each([
      "--upload-pack=touch /tmp/sesta-pwned",
      "ext::sh -c touch% /tmp/sesta-pwned",
      "-oProxyCommand=x",
      "no-such-branch",
      "$(touch /tmp/sesta-pwned)",
    ])("a reference or address like %s is refused in words", async (text) => {
      for (const section of [{ repo: "./theirs", ref: text }, { repo: text }]) {
        const project = host.createProject({ train: { ...section, run: "true" } });
        git(project.folder, "init", "-q", "theirs");
        git(join(project.folder, "theirs"), "commit", "-qm", "x", "--allow-empty");
        const { code, stderr } = await project.sesta("run", "train", "-y");
        expect([1, 2]).toContain(code);
        expect(stderr).not.toContain("    at ");
      }
      expect(existsSync("/tmp/sesta-pwned")).toBe(false);
    });
  });

  describe("on several machines that share a home folder", () => {
    const nodes = { nodes: 2, stdout: "log" };
    const create = (job: object, options: { slots?: number } = {}) =>
      host.createProject({ train: { ...nodes, ...job } }, { hosts: 2, ...options });

    test("each rank has a folder of its own, and they begin together", async () => {
      const project = create({
        run: 'sleep $RANK; echo "rank $RANK of $WORLD_SIZE"; echo $RANK >o; date +%s >>"$OUT/begun"',
        fetch: ["o"],
      });
      const { code, stdout, stderr } = await project.sesta("run", "train", "-y");
      expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
      expect(stdout.toString().split("\n").toSorted().filter(Boolean)).toEqual([
        "[0 box] rank 0 of 2",
        "[1 box2] rank 1 of 2",
      ]);
      expect(
        [0, 1].map((rank) => project.read(`results/train/${rank === 0 ? "box" : "box2"}/o`).toString()),
      ).toEqual(["0\n", "1\n"]);
    });

    test("one rank's failure ends the others, and is the run's", async () => {
      const project = create({ run: "[ $RANK = 0 ] || exit 9; sleep 300" });
      const { code, stderr } = await project.sesta("run", "train", "-y");
      expect([code, stderr]).toEqual([9, expect.stringContaining("rank 1 on box2")]);
      const [run] = await project.runs();
      expect([run?.state, run?.nodes.map(({ state }) => state)]).toEqual(["failed", ["stopped", "failed"]]);
      expect(listMarked(`SESTA_RUN=${run?.id}`)).toEqual([]);
    });

    test("a rank that does not come in time is named", async () => {
      const project = create({ run: "true", rendezvous: "3s" }, { slots: 1 }); // one place for both
      const { code, stderr } = await project.sesta("run", "train", "-y");
      expect([code, stderr]).toEqual([1, expect.stringMatching(/rank [01] on box2? did not come within 3s/)]);
    });

    test("stop ends all of them", async () => {
      const project = create({ run: "sleep 300" });
      const id = (await succeed(project, "run", "train", "-y", "-d")).trim();
      await project.untilState(id, "running");
      expect(await succeed(project, "stop", id)).toContain("stopped");
      expect(listMarked(`SESTA_RUN=${id}`)).toEqual([]);
    });
  });

  test("T4, T16: a secret of the run stands in no process list, and in no file once it has ended", async () => {
    const secret = "the-secret-canary-4711";
    const project = host.createProject(
      { train: { run: 'echo "${#TOKEN}"; sleep 1', env: { TOKEN: "${secret.token}" }, retries: 1 } },
      { secrets: { token: { env: "TOKEN_HERE" } } },
    );
    const running = project.start(["run", "train", "-y"], { TOKEN_HERE: secret });
    let looks = 0;
    const seen: string[] = [];
    const looking = setInterval(() => {
      looks += 1;
      for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
        const line = read(`/proc/${pid}/cmdline`);
        if (line.includes(secret)) seen.push(line);
      }
    }, 10);
    const { code, stdout } = await running.ended;
    clearInterval(looking);
    expect([code, stdout.toString(), seen]).toEqual([0, `${secret.length}\n`, []]);
    expect(looks).toBeGreaterThan(30);
    for (const folder of [project.folder, host.base, project.out])
      expect(await findInFiles(folder, secret)).toEqual([]);
    expect(statSync(join(project.folder, ".sesta")).mode & 0o077).toBe(0);
    expect(statSync(join(host.base, "runs")).mode & 0o077).toBe(0);
  });

  test(
    "T16: a command killed in the middle leaves no secret once its run has ended",
    { timeout: limitMs(2, 20, 15_000) },
    async () => {
      const secret = "the-other-canary-4711";
      for (const point of points(2, 20)) {
        const project = host.createProject(
          { train: { run: "sleep 0.2", env: { TOKEN: "${secret.token}" } } },
          { secrets: { token: { env: "TOKEN_HERE" } } },
        );
        const env = { TOKEN_HERE: secret };
        const killed = project.start(["run", "train", "-y"], env);
        await delay(600 + point * 60);
        if (killed.child.exitCode === null) await killHard(killed.child.pid ?? 0); // a fast machine is through by then
        await project.start(["run", "train", "-y"], env).ended;
        for (const folder of [project.folder, host.base])
          expect([point, await findInFiles(folder, secret)]).toEqual([point, []]);
      }
    },
  );
});

describe.skipIf(missing !== undefined || findMissingNetwork() !== undefined)(
  "a run in a network of its own",
  () => {
    // By default F4 is that of the connection alone, in ssh-connection.test.ts.
    test.runIf(process.env["SESTA_FAULTS"] === "full")(
      "F4: the line falls silent while it is followed: the run goes on, and every byte comes once",
      { timeout: 180_000 },
      async () => {
        const network = makeNetwork();
        const host = await createRunHost(() => ({ listen: network.address, wrap: network.inside }));
        try {
          const bursts = 100;
          const project = host.createProject({
            noise: {
              run: `i=0; while [ $i -lt ${bursts} ]; do head -c 20000 /dev/urandom; sleep 0.4; i=$((i + 1)); done; echo $$ >>"$OUT/starts"`,
              stdout: "noise.bin",
              fetch: ["noise.bin"],
            },
          });
          const following = project.start(["run", "noise", "-y"]);
          await until(
            () => following.stdout().length > 0,
            () => `nothing comes: ${following.stderr()}`,
          );
          network.drop();
          const since = performance.now();
          await until(() => following.stderr().includes("broke"), "nobody notices");
          expect(performance.now() - since).toBeLessThan(31_000);
          network.pass();
          const { code, stdout } = await following.ended;
          expect([code, stdout.length]).toEqual([0, bursts * 20_000]);
          expect(hash(stdout)).toBe(hash(project.read("results/noise/noise.bin")));
          expect(project.lines("starts").length).toBe(1);
        } finally {
          await host.end();
          network.end();
        }
      },
    );
  },
);

const noBusybox = findMissingShell("busybox");

describe.skipIf(missing !== undefined || noBusybox !== undefined)(
  "on a host that has BusyBox and nothing else",
  { timeout: 120_000 },
  () => {
    test("no bash, no sudo, no git, no rsync, no container engine: a job runs, is followed, stopped and fetched", async () => {
      const host = await createRunHost((folder) => {
        const bin = join(folder, "bin");
        mkdirSync(bin);
        execFileSync("/bin/busybox", ["--install", "-s", bin]);
        return { variables: { PATH: bin } };
      });
      try {
        const project = host.createProject({
          train: {
            data: ["d.tar"],
            setup: "echo made >made",
            run: "command -v git bash rsync sudo; cat d/f made >o; cat o; exit 3",
            stdout: "log",
            fetch: ["o", "log"],
          },
          long: { run: "setsid sleep 300 & sleep 300" },
          asks: { packages: ["curl"], run: "true" },
          box: { container: { build: "." }, run: "true" },
        });
        project.write("data/f", "data\n");
        execFileSync("tar", ["-C", join(project.folder, "data"), "-cf", join(project.folder, "d.tar"), "f"]);
        const { code, stdout, stderr } = await project.sesta("run", "train", "-y");
        expect([code, stdout.toString(), code === 3 ? "" : stderr]).toEqual([3, "data\nmade\n", ""]);
        expect(project.read("results/train/o").toString()).toBe("data\nmade\n");
        const id = (await project.sesta("run", "long", "-d", "-y")).stdout.toString().trim();
        await project.untilState(id, "running");
        expect((await project.sesta("stop", id)).stdout.toString()).toContain("stopped");
        expect(listMarked(`SESTA_RUN=${id}`)).toEqual([]);
        for (const [name, why] of [
          ["asks", /neither apt nor dnf/],
          ["box", /neither docker nor podman/],
        ] as const) {
          const refused = await project.sesta("run", name, "-y");
          expect([name, refused.code, refused.stderr]).toEqual([name, 1, expect.stringMatching(why)]);
        }
      } finally {
        await host.end();
      }
    });
  },
);

const noMount = findMissingMount();
if (noMount !== "") console.log(`skipped: ${noMount}`);

describe.skipIf(missing !== undefined || noMount !== "")("F7: a full disk", { timeout: 120_000 }, () => {
  test("here: the outputs do not come home, no part of one is seen, and they do once there is room", async () => {
    const host = await createRunHost();
    const project = host.createProject({
      train: { run: "head -c 3000000 /dev/zero >o", fetch: ["o"], into: "home" },
    });
    const disk = mountSmallDisk(join(project.folder, "home"), 1_000_000);
    try {
      const { code, stderr } = await project.sesta("run", "train", "-y");
      expect([code, stderr]).toEqual([0, expect.stringMatching(/could not be fetched: .*(?:full|space)/)]);
      expect(project.has("home/o")).toBe(false);
      disk.leave(8_000_000);
      const fetched = await project.sesta("fetch", "train");
      expect([fetched.code, fetched.stderr]).toEqual([0, ""]);
      expect(project.read("home/o").length).toBe(3_000_000);
      expect(readdirSync(join(project.folder, "home"))).toEqual(["o"]);
    } finally {
      disk.end();
      await host.end();
    }
  });

  test("there: it is said, and the same command goes on once there is room", async () => {
    const host = await createRunHost();
    const disk = mountSmallDisk(host.base, 1_500_000);
    try {
      const project = host.createProject({ train: { run: 'echo $$ >>"$OUT/starts"; cat big | wc -c' } });
      project.write("big", Buffer.alloc(2_000_000));
      for (let round = 0; round < 2; round++) {
        const { code, stderr } = await project.sesta("run", "train", "-y");
        expect([code, stderr]).toEqual([1, expect.stringMatching(/disk is full|No space left/)]);
        if (round === 0) disk.leave(2_200_000); // for the sources, but not for the run's copy of them
      }
      disk.leave(8_000_000);
      const { code, stdout } = await project.sesta("run", "train", "-y");
      expect([code, stdout.toString().trim(), project.lines("starts").length]).toEqual([0, "2000000", 1]);
    } finally {
      await host.end();
      disk.end();
    }
  });
});

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
