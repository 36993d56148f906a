// The scripts that run jobs on a machine, by themselves and under each shell: what a program did is known, it runs once,
// and nothing of it is left behind.
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { limitMs, points } from "./faults/support/points.ts";
import { killHard, listLiving, lives, until } from "./faults/support/processes.ts";
import { findMissingMount } from "./faults/support/small-disk.ts";
import {
  createRunRig,
  findMissingShell,
  listMarked,
  startOf,
  type Order,
  type RunRig,
  type ShellName,
} from "./support/run-rig.ts";

const all: readonly ShellName[] = ["dash", "busybox", "bash --posix"];
/** dash understands little; the others come in the whole sweep. */
const shells = process.env["SESTA_FAULTS"] === "full" ? all : all.slice(0, 1);
const isLinux = existsSync("/proc/self/stat");
const noMount = findMissingMount();

for (const shell of shells) {
  const missing = isLinux ? findMissingShell(shell) : "these tests look into /proc";
  if (missing !== undefined) console.log(`skipped: the scripts under ${shell}: ${missing}`);
  describe.skipIf(missing !== undefined)(`under ${shell}`, { timeout: 90_000 }, () => testScripts(shell));
}

function testScripts(shell: ShellName) {
  // What takes long is for one shell, unless everything is asked for.
  const long = shell === "dash" || process.env["SESTA_FAULTS"] === "full" ? test : test.skip;
  let rig: RunRig;
  let count = 0;
  // What a run marks is found on the whole machine: nobody else who tests may have the same ids.
  const own = process.pid.toString(36).padStart(4, "0");
  const nextId = () => `job-${(count += 1)}-${own}`;
  beforeAll(() => {
    rig = createRunRig(shell);
  });
  afterEach(() => {
    // Of every run that has ended nothing is left: no process, no secret, no ticket.
    for (const id of readdirSync(rig.runs)) {
      if (!existsSync(rig.file(id, "ended"))) continue;
      expect([id, listMarked(`SESTA_RUN=${id}`)]).toEqual([id, []]);
      expect([id, existsSync(rig.file(id, "env"))]).toEqual([id, false]);
    }
    expect(readdirSync(rig.runs).filter((name) => name.startsWith(".new"))).toEqual([]);
  });
  afterAll(() => rig?.end());
  const script = (text: string) => ({ argv: ["sh", "-c", text], env: { OUT: rig.folder } });

  test.each([
    ["exit 0", 0],
    ["exit 7", 7],
    ["exit 255", 255],
    ["kill -KILL $$", 137],
    ["kill -TERM $$", 143],
    ["kill -SEGV $$", 139],
  ])("the exit code of `%s` is %i", async (text, code) => {
    const id = nextId();
    expect(await rig.submit(id, script(text))).toMatchObject({ code: 0 });
    await rig.untilEnded(id);
    expect((await rig.facts(id)).ended).toMatchObject({ code, reason: "exit" });
  });

  test("a program that is not there, and one that may not be run, are 127 and 126", async () => {
    const [none, denied] = [nextId(), nextId()];
    await rig.submit(none, { argv: ["/no/such program"] });
    await rig.submit(denied, { argv: [join(rig.own, "complete")] });
    await rig.untilEnded(none);
    await rig.untilEnded(denied);
    expect((await rig.facts(none)).ended?.code).toBe(127);
    expect((await rig.facts(denied)).ended?.code).toBe(126);
  });

  test("T9: words, variables, paths and links with every character a shell knows arrive as they are", async () => {
    const id = nextId();
    const nasty = [
      "",
      " ",
      "a b",
      "'",
      '"',
      "$(touch $OUT/pwned)",
      "`touch x`",
      "\n",
      "line\nbreak\n",
      "\\",
      "*",
      "~",
      "-n",
      "é\u0001",
      ";",
      "&",
      "#",
      "!",
    ];
    const given = join(rig.folder, "da ta'\"$\n");
    mkdirSync(given);
    writeFileSync(join(given, "f"), "data");
    const env = Object.fromEntries(nasty.map((value, index) => [`V${index}`, value]));
    await rig.submit(id, {
      argv: [
        "sh",
        "-c",
        `i=0; for a do printf '%s\\0' "$a"; done >args; { ${nasty.map((_, index) => `printf '%s\\0' "$V${index}"`).join("; ")}; } >vars; cat "sub dir/li nk'/f"; printf '%s' "$PATH" >path`,
        "sh",
        ...nasty,
      ],
      env: { ...env, OUT: rig.folder },
      path: ["/a b'c/$bin"],
      links: [{ from: given, to: "sub dir/li nk'" }],
      spec: { stdoutFile: "o u't/$(x).txt" },
    });
    await rig.untilEnded(id);
    const work = (name: string) => readFileSync(rig.file(id, `work/${name}`), "utf8");
    expect(work("args").split("\0").slice(0, -1)).toEqual(nasty);
    expect(work("vars").split("\0").slice(0, -1)).toEqual(nasty);
    expect(work("o u't/$(x).txt")).toBe("data");
    expect(rig.read(id, "stdout")).toBe("data");
    expect(work("path").startsWith("/a b'c/$bin:")).toBe(true);
    expect(existsSync(join(rig.folder, "pwned"))).toBe(false);
  });

  test("variables of a run may have the names that the scripts use", async () => {
    const id = nextId();
    const names = [
      "run",
      "attempt",
      "code",
      "container",
      "engine",
      "stdout_file",
      "boot",
      "IFS",
      "grace",
      "start",
      "base",
      "id",
      "umask",
      "ENV",
    ];
    await rig.submit(id, {
      argv: ["sh", "-c", `[ "$run" = x ] && [ "$container" = x ] && exit 9`],
      env: Object.fromEntries(names.map((name) => [name, "x"])),
    });
    await rig.untilEnded(id);
    expect((await rig.facts(id)).ended).toMatchObject({ code: 9, reason: "exit" });
    expect(rig.read(id, "program.exit")).toBe("9");
  });

  test("it runs in a copy of the tree, whose sources stay as they are", async () => {
    const id = nextId();
    const tree = join(rig.folder, "tree of sources");
    mkdirSync(join(tree, ".hidden"), { recursive: true });
    writeFileSync(join(tree, "f"), "before");
    writeFileSync(join(tree, ".hidden/g"), "before");
    symlinkSync("f", join(tree, "link"));
    await rig.submit(id, { ...script("echo after >f; echo after >.hidden/g; [ -L link ]"), tree });
    await rig.untilEnded(id);
    expect((await rig.facts(id)).ended?.code).toBe(0);
    expect([readFileSync(join(tree, "f"), "utf8"), readFileSync(join(tree, ".hidden/g"), "utf8")]).toEqual([
      "before",
      "before",
    ]);
  });

  test("what it prints is there to the byte, standard output apart where it has a file", async () => {
    const id = nextId();
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(rig.folder, "bytes"), bytes);
    await rig.submit(id, {
      ...script('cat "$OUT/bytes"; cat "$OUT/bytes" >&2'),
      spec: { stdoutFile: "out.bin" },
    });
    await rig.untilEnded(id);
    for (const name of ["output", "stdout", "work/out.bin"]) {
      expect([name, readFileSync(rig.file(id, name)).equals(bytes)]).toEqual([name, true]);
    }
    expect(await rig.facts(id)).toMatchObject({ outputBytes: bytes.length, stdoutBytes: bytes.length });
  });

  test("standard output's file stays in the run's own copy, whatever links the sources have", async () => {
    const id = nextId();
    const tree = join(rig.folder, `tree-${id}`);
    const theirs = join(rig.folder, `theirs-${id}`);
    for (const folder of [join(tree, "a"), join(theirs, "logs")]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(theirs, "logs/out.txt"), "theirs");
    symlinkSync(theirs, join(tree, "a/data"));
    await rig.submit(id, { ...script("echo ours"), tree, spec: { stdoutFile: "a/data/logs/out.txt" } });
    await rig.untilEnded(id);
    expect(readFileSync(join(theirs, "logs/out.txt"), "utf8")).toBe("theirs");
    expect(readFileSync(rig.file(id, "work/a/data/logs/out.txt"), "utf8")).toBe("ours\n");
  });

  test("F3: submitted again and again, at once and later, it is one run", async () => {
    const id = nextId();
    const tree = join(rig.folder, `tree-${id}`);
    mkdirSync(tree);
    for (let index = 0; index < 300; index++) writeFileSync(join(tree, `file-${index}`), "x".repeat(1000));
    const order = { ...script(`echo $$ >>"$OUT/${id}"; ls | wc -l >>"$OUT/${id}.files"; sleep 0.5`), tree };
    const made = await Promise.all(Array.from({ length: 6 }, () => rig.submit(id, order)));
    expect(made.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0]);
    await rig.submit(id, order);
    await rig.untilEnded(id);
    await rig.submit(id, order);
    await delay(300);
    expect([rig.lines(id).length, rig.lines(`${id}.files`).map(Number)]).toEqual([1, [300]]);
  });

  test("a timeout ends it, and is the reason", async () => {
    const id = nextId();
    await rig.submit(id, { ...script("sleep 100"), spec: { timeoutS: 1 } });
    await rig.untilEnded(id);
    expect((await rig.facts(id)).ended).toMatchObject({ reason: "timeout" });
  });

  test("retries begin it again until it succeeds, or none are left", async () => {
    const [second, never] = [nextId(), nextId()];
    await rig.submit(second, {
      ...script(`echo $SESTA_ATTEMPT >>"$OUT/${second}"; [ $SESTA_ATTEMPT = 2 ]`),
      spec: { retries: 5 },
    });
    await rig.submit(never, {
      ...script(`echo $SESTA_ATTEMPT >>"$OUT/${never}"; exit 3`),
      spec: { retries: 2, stdoutFile: "o" },
    });
    await rig.untilEnded(second);
    await rig.untilEnded(never);
    expect([rig.lines(second), rig.lines(never)]).toEqual([
      ["1", "2"],
      ["1", "2", "3"],
    ]);
    expect((await rig.facts(second)).ended).toMatchObject({ code: 0, reason: "exit" });
    expect((await rig.facts(never)).ended).toMatchObject({ code: 3, reason: "exit" });
  });

  describe("ending", () => {
    const tree = (id: string) =>
      // A child that ignores TERM, one in the background, and one that left for a session of its own.
      `trap '' TERM; (trap '' TERM; sleep 300) & setsid sh -c 'trap "" TERM; sleep 300' & sh -c 'setsid sleep 300 & exit' ; echo up >>"$OUT/${id}"; sleep 300`;

    test("stop ends all of it by force, also what ignores TERM and what left its session", async () => {
      const id = nextId();
      await rig.submit(id, script(tree(id)));
      await until(() => rig.lines(id).length === 1, "it does not come up");
      expect(listMarked(`SESTA_RUN=${id}`).length).toBeGreaterThan(3);
      await rig.stop(id);
      await rig.untilEnded(id);
      expect((await rig.facts(id)).ended).toMatchObject({ reason: "user" });
    });

    test("a program that ends upon TERM has its grace, and so have its children", async () => {
      const id = nextId();
      await rig.submit(id, {
        ...script(
          `(trap 'sleep 0.7; echo saved >>"$OUT/${id}"; exit' TERM; echo up >>"$OUT/${id}"; while :; do sleep 0.1; done) & wait`,
        ),
        spec: { graceS: 10 },
      });
      await until(() => rig.lines(id).length === 1, "it does not come up");
      await delay(200);
      await rig.stop(id);
      await rig.untilEnded(id);
      expect(rig.lines(id)).toEqual(["up", "saved"]);
    });

    test("what a program left in the background, or made a daemon of, ends with it", async () => {
      const id = nextId();
      await rig.submit(
        id,
        script("sleep 300 & (setsid sleep 300 &) ; nohup sleep 300 >/dev/null 2>&1 & exit 4"),
      );
      await rig.untilEnded(id);
      expect((await rig.facts(id)).ended).toMatchObject({ code: 4, reason: "exit" });
    });

    test.each(["at once", "while it starts", "while it waits for the others"])("stop %s", async (when) => {
      const id = nextId();
      const made = rig.submit(id, {
        ...script("sleep 300"),
        spec: { gatherS: when.endsWith("others") ? 60 : 0 },
      });
      await made;
      if (when === "while it starts") await rig.untilFile(id, "started");
      if (when.endsWith("others")) await rig.untilFile(id, "ready");
      await rig.stop(id);
      await rig.untilEnded(id);
      expect((await rig.facts(id)).ended).toMatchObject({ reason: "user" });
    });

    test("stopped before it has come: it never begins, and nothing of what was on its way is left", async () => {
      const [late, never] = [nextId(), nextId()];
      const onItsWay = rig.write(late, { env: { SECRET: "canary" } });
      rig.write(never, {});
      const told = await Promise.all([late, never, never].map((id) => rig.stop(id, "peer")));
      expect(told.map(({ code }) => code)).toEqual([0, 0, 0]);
      expect(readdirSync(rig.runs).filter((name) => name.startsWith(".new"))).toEqual([]);
      expect(await rig.script("submit.sh", [rig.runs, late, "-", onItsWay])).toMatchObject({ code: 0 });
      for (const id of [late, never]) {
        expect((await rig.facts(id)).ended).toMatchObject({ reason: "peer" });
        expect(readdirSync(join(rig.runs, id)).filter((name) => name !== "supervisor.log")).toEqual([
          "ended",
        ]);
      }
    });

    test("a folder of a run that was never made whole is said to be lost", async () => {
      const id = nextId();
      mkdirSync(join(rig.runs, id));
      expect((await rig.contactUntilEnded(id, 10_000)).ended).toMatchObject({ reason: "partial" });
    });

    test("machines that wait for each other give up in time, or go together", async () => {
      const [alone, together] = [nextId(), nextId()];
      await rig.submit(alone, { ...script("exit 0"), spec: { gatherS: 1 } });
      await rig.submit(together, { ...script("exit 5"), spec: { gatherS: 30 } });
      await rig.untilFile(together, "ready");
      expect((await rig.facts(together)).isReady).toBe(true);
      writeFileSync(rig.file(together, "go"), "go\n");
      await rig.untilEnded(alone);
      await rig.untilEnded(together);
      expect((await rig.facts(alone)).ended).toMatchObject({ reason: "rendezvous" });
      expect((await rig.facts(together)).ended).toMatchObject({ code: 5, reason: "exit" });
    });

    test("its program killed, nothing of it lives on, and the code tells", async () => {
      const id = nextId();
      await rig.submit(id, script("sleep 300 & sleep 300"));
      await rig.untilFile(id, "program");
      const leader = rig.program(id) ?? 0;
      await killHard(leader);
      await rig.untilEnded(id);
      expect((await rig.facts(id)).ended).toMatchObject({ code: 137, reason: "signal" });
    });
  });

  describe("its supervisor killed", () => {
    test(
      "F2: at any moment: the program goes on, runs once, and its exit code is known",
      { timeout: limitMs(6, 150, 8_000) },
      async () => {
        for (const point of points(6, 150)) {
          const id = nextId();
          const made = rig.submit(id, script(`echo $$ >>"$OUT/${id}"; sleep 0.4; exit 6`));
          await delay(point * 6);
          await rig.killSupervisor(id);
          await made;
          await rig.killSupervisor(id);
          const { ended } = await rig.contactUntilEnded(id);
          expect([point, ended?.code, ended?.reason, rig.lines(id).length]).toEqual([point, 6, "exit", 1]);
        }
      },
    );

    long(
      "F2: killed again and again while many look: one supervisor, one program",
      { timeout: limitMs(6, 40, 8_000) },
      async () => {
        const id = nextId();
        await rig.submit(id, script(`echo $$ >>"$OUT/${id}"; sleep 2; exit 6`));
        for (const _ of points(6, 40)) {
          await rig.killSupervisor(id);
          await Promise.all(Array.from({ length: 4 }, () => rig.contact(id)));
          await delay(100);
        }
        await rig.contactUntilEnded(id);
        expect([rig.lines(id).length, rig.read(id, "program.exit")]).toEqual([1, "6"]);
      },
    );

    test("F2: before its program has said who it is: one program, also when that comes late", async () => {
      const id = nextId();
      // The program's first step takes long, as on a machine that is out of breath.
      const slow = createRunRig(shell);
      try {
        const path = join(slow.own, "program.sh");
        writeFileSync(path, readFileSync(path, "utf8").replace("umask 077\n", "umask 077\nsleep 1.5\n"));
        await slow.submit(id, script(`echo $$ >>"$OUT/${id}"; sleep 3; exit 6`));
        await slow.untilFile(id, "attempt");
        await delay(300);
        await slow.killSupervisor(id);
        writeFileSync(path, readFileSync(path, "utf8").replace("sleep 1.5\n", ""));
        await slow.contact(id);
        await delay(2_500);
        const { ended } = await slow.contactUntilEnded(id);
        expect([ended?.code, rig.lines(id).length]).toEqual([6, 1]);
      } finally {
        await slow.end();
      }
    });

    test("F2: and its program's leader too: what is left of the program ends before anything else", async () => {
      const [lost, again] = [nextId(), nextId()];
      for (const id of [lost, again]) {
        await rig.submit(id, {
          ...script(`echo $$ >>"$OUT/${id}"; sleep $((SESTA_ATTEMPT == 1 ? 300 : 0)); exit 6`),
          spec: { retries: id === again ? 1 : 0 },
        });
        await until(() => rig.lines(id).length === 1, "it does not run");
        await rig.killSupervisor(id);
        await killHard(rig.program(id) ?? 0);
        const first = Number(rig.lines(id)[0]);
        expect(lives(first)).toBe(true);
        const { ended } = await rig.contactUntilEnded(id);
        expect(lives(first)).toBe(false);
        expect([ended?.reason, rig.lines(id).length]).toEqual(id === again ? ["exit", 2] : ["killed", 1]);
      }
    });

    test("F2: its program's leader killed while the next one takes over: it is not begun a second time", async () => {
      const id = nextId();
      const hurt = createRunRig(shell);
      try {
        const path = join(hurt.own, "supervise.sh");
        const look = "# When the program began";
        const kill = `[ "$attempt" = 0 ] || { read -r pid _ <program; kill -KILL "$pid"; pause 0.2; }\n`;
        writeFileSync(path, readFileSync(path, "utf8").replace(look, `${kill}${look}`));
        await hurt.submit(id, script(`echo $$ >>"$OUT/${id}"; sleep 300`));
        await until(() => rig.lines(id).length === 1, "it does not run");
        await hurt.killSupervisor(id);
        const { ended } = await hurt.contactUntilEnded(id);
        expect([ended?.reason, rig.lines(id).length]).toEqual(["signal", 1]);
      } finally {
        await hurt.end();
      }
    });

    test("F2: a stop is heard by the next one; the code of a program that ended meanwhile is kept", async () => {
      const [stopped, ended] = [nextId(), nextId()];
      await rig.submit(stopped, script("sleep 300"));
      await rig.submit(ended, script(`sleep 0.3; exit 8`));
      await rig.untilFile(stopped, "program");
      await rig.untilFile(ended, "program");
      await rig.killSupervisor(stopped);
      await rig.killSupervisor(ended);
      await rig.untilFile(ended, "program.exit");
      await rig.stop(stopped);
      expect((await rig.contactUntilEnded(stopped)).ended).toMatchObject({ reason: "user" });
      expect((await rig.contactUntilEnded(ended)).ended).toMatchObject({ code: 8, reason: "exit" });
    });

    test("F2: a bystander that has got the number of a program that ended lives on", async () => {
      const id = nextId();
      await rig.submit(id, script("sleep 0.5; exit 8"));
      await rig.untilFile(id, "program");
      await rig.killSupervisor(id);
      await rig.untilFile(id, "program.exit");
      await until(() => rig.program(id) === undefined, "it does not end");
      const bystander = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
      forge(id, (text) => text.replace(/^\d+/, String(bystander.pid)));
      expect((await rig.contactUntilEnded(id)).ended).toMatchObject({ code: 8 });
      expect(lives(bystander.pid ?? 0)).toBe(true);
      bystander.kill("SIGKILL");
    });

    test("F2: a recycled number is no supervisor and no program", async () => {
      const id = nextId();
      await rig.submit(id, script("sleep 300"));
      await rig.untilFile(id, "program");
      const leader = rig.program(id) ?? 0;
      await rig.killSupervisor(id);
      await killHard(leader);
      const bystander = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
      forge(id, (text) => text.replace(/^\d+/, String(bystander.pid)));
      const claim = rig.file(id, rig.claims(id).at(-1) ?? "");
      writeFileSync(claim, readFileSync(claim, "utf8").replace(/^\d+/, String(bystander.pid)));
      expect((await rig.contactUntilEnded(id)).ended).toMatchObject({ reason: "killed" });
      expect(lives(bystander.pid ?? 0)).toBe(true);
      bystander.kill("SIGKILL");
    });

    test("F5: after a restart of the machine it is lost, goes on waiting, or is begun again, as it was asked for", async () => {
      const bystander = spawn("sleep", ["300"], { detached: true, stdio: "ignore" });
      const [lost, again, done] = [nextId(), nextId(), nextId()];
      const text = (id: string) => `echo $$ >>"$OUT/${id}"; [ $SESTA_ATTEMPT = 2 ] || sleep 300; exit 6`;
      await rig.submit(lost, script(text(lost)));
      await rig.submit(again, { ...script(text(again)), spec: { retries: 1, timeoutS: 60 } });
      await rig.submit(done, script("exit 4"));
      for (const id of [lost, again]) await until(() => rig.lines(id).length === 1, "it does not run");
      await rig.untilEnded(done);
      rmSync(rig.file(done, "ended")); // the restart came before that
      for (const id of [lost, again]) {
        const leader = rig.program(id) ?? 0;
        await rig.killSupervisor(id);
        for (const pid of [leader, ...listMarked(`SESTA_RUN=${id}`)])
          await killHard(pid).catch(() => undefined);
      }
      for (const id of [lost, again, done]) {
        // A number that counts for something else since.
        forge(id, (line) =>
          line
            .replace(/^\d+/, String(bystander.pid))
            .replace(/[0-9a-f-]{36}/, "11111111-2222-3333-4444-555555555555"),
        );
        const claim = rig.file(id, rig.claims(id).at(-1) ?? "");
        writeFileSync(
          claim,
          readFileSync(claim, "utf8").replace(/[0-9a-f-]{36}/, "11111111-2222-3333-4444-555555555555"),
        );
      }
      expect((await rig.contactUntilEnded(lost)).ended).toMatchObject({ reason: "reboot" });
      expect((await rig.contactUntilEnded(again)).ended).toMatchObject({ code: 6, reason: "exit" });
      expect((await rig.contactUntilEnded(done)).ended).toMatchObject({ code: 4, reason: "exit" });
      expect([rig.lines(lost).length, rig.lines(again).length]).toEqual([1, 2]);
      expect(lives(bystander.pid ?? 0)).toBe(true);
      bystander.kill("SIGKILL");
    });

    function forge(id: string, change: (text: string) => string) {
      for (const name of readdirSync(join(rig.runs, id)).filter((one) => /^program(?:\.\d+)?$/.test(one))) {
        writeFileSync(rig.file(id, name), change(readFileSync(rig.file(id, name), "utf8")));
      }
    }
  });

  describe("the line", () => {
    let line: RunRig;
    beforeAll(() => {
      line = createRunRig(shell);
    });
    afterAll(() => line?.end());
    const waits = (id: string, text = "") => ({
      ...script(
        `echo + ${id} >>"$OUT/line"; ${text} while [ ! -e "$OUT/end-${id}" ]; do sleep 0.05; done; echo - ${id} >>"$OUT/line"`,
      ),
      env: { OUT: line.folder },
    });
    const finishUp = (id: string) => writeFileSync(join(line.folder, `end-${id}`), "");
    const place = async (id: string) => (await line.facts(id)).place;
    const untilPlace = (id: string, wanted: number | null) =>
      until(
        async () => (await place(id)) === wanted,
        () => `${id} is not number ${wanted}, but ${line.read(id, "place")}`,
      );
    const runs = (id: string) => until(() => line.lines("line").includes(`+ ${id}`), `${id} does not run`);

    test("one at a time, in order, each with its place; kills of those that wait change nothing", async () => {
      const ids = [nextId(), nextId(), nextId(), nextId()] as const;
      const [first, second, third, fourth] = ids;
      for (const id of ids) {
        await line.submit(id, { ...waits(id), spec: { slots: 1 } });
        if (id === first) await runs(id);
        else await untilPlace(id, ids.indexOf(id));
      }
      for (const id of [second, third, fourth]) await line.killSupervisor(id);
      await line.contact(fourth, third, second);
      await untilPlace(second, 1);
      await untilPlace(third, 2);
      await untilPlace(fourth, 3);
      finishUp(first);
      await runs(second);
      await untilPlace(third, 1);
      await untilPlace(fourth, 2);
      await line.stop(third);
      await line.untilEnded(third);
      await untilPlace(fourth, 1);
      finishUp(second);
      await runs(fourth);
      finishUp(fourth);
      await line.untilEnded(fourth);
      expect(line.lines("line").filter((one) => one.startsWith("+"))).toEqual([
        `+ ${first}`,
        `+ ${second}`,
        `+ ${fourth}`,
      ]);
      expect((await line.facts(third)).ended?.reason).toBe("user");
      expect(readdirSync(join(line.base, "queue"))).toEqual([]);
    });

    long(
      "one that is dead in the line holds nobody up, and does not push in when it comes back",
      async () => {
        const [first, dead, next] = [nextId(), nextId(), nextId()];
        await line.submit(first, { ...waits(first), spec: { slots: 1 } });
        await runs(first);
        await line.submit(dead, { ...waits(dead), spec: { slots: 1 } });
        await untilPlace(dead, 1);
        await line.submit(next, { ...waits(next), spec: { slots: 1 } });
        await untilPlace(next, 2);
        await line.killSupervisor(dead);
        finishUp(first);
        await runs(next);
        await line.contact(dead);
        await untilPlace(dead, 1);
        await delay(1_500);
        expect(line.lines("line")).not.toContain(`+ ${dead}`);
        finishUp(next);
        await runs(dead);
        finishUp(dead);
        await line.untilEnded(dead);
      },
    );

    long("a program whose supervisor was killed keeps its place", async () => {
      const [first, next] = [nextId(), nextId()];
      await line.submit(first, { ...waits(first), spec: { slots: 1 } });
      await runs(first);
      await line.killSupervisor(first);
      await line.submit(next, { ...waits(next), spec: { slots: 1 } });
      await untilPlace(next, 1);
      await delay(1_200);
      expect(line.lines("line")).not.toContain(`+ ${next}`);
      finishUp(first);
      await line.contactUntilEnded(first);
      await runs(next);
      finishUp(next);
      await line.untilEnded(next);
    });

    test("F2: nobody takes its place before what is left of its program has ended", async () => {
      const [first, next] = [nextId(), nextId()];
      const [left, begun] = [join(line.folder, `left-${first}`), join(line.folder, `begun-${next}`)];
      await line.submit(first, {
        argv: ["sh", "-c", `echo $$ >"${left}"; exec sleep 300`],
        spec: { slots: 1 },
      });
      const pid = Number(
        await until(() => existsSync(left) && readFileSync(left, "utf8"), "it does not run"),
      );
      await line.submit(next, {
        argv: ["sh", "-c", `cat /proc/${pid}/stat >"${begun}" 2>/dev/null || :`],
        spec: { slots: 1 },
      });
      await untilPlace(next, 1);
      await line.killSupervisor(first);
      await killHard(line.program(first) ?? 0);
      expect(lives(pid)).toBe(true);
      await line.untilEnded(next); // and nobody asks for the first
      expect(readFileSync(begun, "utf8")).toMatch(/^$|\) Z /); // gone, or all but
      expect(line.read(first, "ended")).toContain("reason=killed");
    });

    test("runs of two machines that each took a place of the other's both come to their end", async () => {
      const machines = [line, createRunRig(shell)] as const;
      try {
        const [first, second] = [nextId(), nextId()];
        const submit = (id: string, rank: 0 | 1) =>
          machines[rank].submit(`${id}.${rank}`, { spec: { slots: 1, gatherS: 20 } });
        const all = (id: string, fits: (rig: RunRig, part: string) => unknown) =>
          machines.every((rig, rank) => fits(rig, `${id}.${rank}`));
        await submit(second, 0);
        await submit(first, 1);
        await line.untilFile(`${second}.0`, "ready");
        await machines[1].untilFile(`${first}.1`, "ready");
        await submit(first, 0);
        await submit(second, 1);
        const ended = (id: string) =>
          until(
            () => {
              // As a command does that looks at the run.
              if (all(id, (rig, part) => rig.read(part, "ready")))
                for (const rank of [0, 1] as const)
                  writeFileSync(machines[rank].file(`${id}.${rank}`, "go"), "go\n");
              return all(id, (rig, part) => rig.read(part, "ended")?.startsWith("code=0 reason=exit"));
            },
            () => `${id} did not come together: ${line.read(`${id}.0`, "ended")}`,
          );
        await ended(first);
        await ended(second);
      } finally {
        await machines[1].end();
      }
    });

    long("runs without GPUs do not wait for one that has them, which goes one at a time", async () => {
      const [first, plain, second] = [nextId(), nextId(), nextId()];
      await line.submit(first, { ...waits(first), gpu: true, spec: { slots: "gpu" } });
      await runs(first);
      await line.submit(plain, waits(plain));
      await runs(plain);
      await line.submit(second, { ...waits(second), gpu: true, spec: { slots: "gpu" } });
      await untilPlace(second, 1);
      finishUp(first);
      await runs(second);
      for (const id of [plain, second]) finishUp(id);
      for (const id of [plain, second]) await line.untilEnded(id);
    });

    long(
      "L3: twelve at once with three slots, kills among them: never four at a time, each once",
      { timeout: 120_000 },
      async () => {
        const ids = Array.from({ length: 12 }, nextId);
        rmSync(join(line.folder, "line"), { force: true });
        const text = (id: string) => `echo + ${id} >>"$OUT/line"; sleep 0.3; echo - ${id} >>"$OUT/line"`;
        await Promise.all(
          ids.map((id) =>
            line.submit(id, { argv: ["sh", "-c", text(id)], env: { OUT: line.folder }, spec: { slots: 3 } }),
          ),
        );
        for (const id of ids.slice(0, 6)) await line.killSupervisor(id);
        for (const id of ids) await line.contactUntilEnded(id, 90_000);
        let [now, most] = [0, 0];
        for (const one of line.lines("line")) most = Math.max(most, (now += one.startsWith("+") ? 1 : -1));
        expect(most).toBeLessThanOrEqual(3);
        expect(
          line
            .lines("line")
            .filter((one) => one.startsWith("+"))
            .toSorted(),
        ).toEqual(ids.map((id) => `+ ${id}`).toSorted());
      },
    );
  });

  describe("where no hard links can be made", () => {
    const without = (small: RunRig, name: string, left: number) => {
      const path = join(small.own, name);
      const text = readFileSync(path, "utf8").replace("left=600", `left=${left}`);
      writeFileSync(path, text.replace(/\bln (?=["\w])/g, "false ln "));
    };

    test.each(["supervise.sh", "line.sh"])("it is said: in %s", async (name) => {
      const small = createRunRig(shell);
      try {
        without(small, name, 5);
        const id = nextId();
        await small.submit(id, { ...script(`echo ran >>"$OUT/${id}"`), spec: { slots: 1 } });
        expect((await small.contactUntilEnded(id, 10_000)).ended).toMatchObject({ reason: "links" });
        expect([rig.lines(id), existsSync(small.file(id, "env"))]).toEqual([[], false]);
        // Whoever says that it has ended clears up after that.
        await until(
          () => !readdirSync(join(small.runs, id)).some((one) => one.startsWith("taking")),
          "what was tried is left",
        );
      } finally {
        await small.end();
      }
    });

    test("a run that draws its ticket hears that it is to stop", async () => {
      const small = createRunRig(shell);
      try {
        without(small, "line.sh", 600);
        const id = nextId();
        await small.submit(id, { ...script("exit 0"), spec: { slots: 1 } });
        await until(() => small.claims(id).length > 0, "nobody sees to it");
        await delay(500);
        await small.stop(id);
        expect((await small.contactUntilEnded(id, 10_000)).ended).toMatchObject({ reason: "user" });
      } finally {
        await small.end();
      }
    });
  });

  describe.skipIf(noMount !== "")("F7: on a full disk", () => {
    test("the exit code is known although not a byte was free when it ended", async () => {
      const small = createRunRig(shell, { diskBytes: 4_000_000 });
      try {
        const id = nextId();
        await small.submit(id, {
          argv: [
            "sh",
            "-c",
            'cat /dev/zero >big 2>/dev/null; while [ ! -e "$OUT/go" ]; do sleep 0.1; done; exit 6',
          ],
          env: { OUT: small.folder, SECRET: "canary" },
        });
        await small.untilFile(id, "program");
        await delay(1_000);
        await small.killSupervisor(id);
        await small.facts(id);
        await until(() => small.supervisor(id), "nobody sees to it any more");
        writeFileSync(join(small.folder, "go"), "");
        expect((await small.contactUntilEnded(id)).ended).toMatchObject({ code: 6, reason: "exit" });
      } finally {
        await small.end();
      }
    });

    test("a program that takes every byte again and again is ended by a stop, and by its timeout", async () => {
      const small = createRunRig(shell, { diskBytes: 4_000_000 });
      try {
        const [stopped, late] = [nextId(), nextId()];
        const hog = script('while :; do cat /dev/zero >>big; : >"$OUT/full"; sleep 0.1; done');
        const begin = async (id: string, spec: Order["spec"]) => {
          await small.submit(id, { ...hog, env: { OUT: small.folder }, spec: { graceS: 1, ...spec } });
          await until(() => existsSync(join(small.folder, "full")), "it does not run");
        };
        await begin(stopped, {});
        await delay(1_500); // some heartbeats find no room
        await small.stop(stopped, "user");
        expect(await small.untilEnded(stopped, 15_000)).toContain("reason=user");
        rmSync(small.file(stopped, "work/big"));
        rmSync(join(small.folder, "full"));
        await begin(late, { timeoutS: 2 });
        expect(await small.untilEnded(late, 15_000)).toContain("reason=timeout");
      } finally {
        await small.end();
      }
    });

    long(
      "a run is stopped, and one that takes too long ends, although there is no room for a word",
      async () => {
        const small = createRunRig(shell, { diskBytes: 4_000_000 });
        try {
          const [stopped, late] = [nextId(), nextId()];
          // It takes every byte that is given free.
          const fill = "while :; do cat /dev/zero >>big 2>/dev/null; sleep 0.02; done";
          const text = `while [ ! -e "$OUT/fill" ]; do sleep 0.05; done; ${fill}`;
          for (const id of [stopped, late]) {
            const spec = { timeoutS: id === late ? 6 : 0 };
            await small.submit(id, { argv: ["sh", "-c", text], env: { OUT: small.folder }, spec });
          }
          for (const id of [stopped, late]) await small.untilFile(id, "program");
          writeFileSync(join(small.folder, "fill"), "");
          await delay(1_500);
          expect(() => writeFileSync(join(small.runs, "word"), "word")).toThrow("ENOSPC");
          expect(await small.stop(stopped, "peer")).toMatchObject({ code: 0 });
          await until(() => readdirSync(join(small.runs, late)).includes("stop"), "it does not time out");
          small.disk?.leave(1_000_000);
          for (const [id, reason] of [
            [stopped, "peer"],
            [late, "timeout"],
          ] as const)
            expect((await small.contactUntilEnded(id)).ended).toMatchObject({ reason });
        } finally {
          await small.end();
        }
      },
    );

    test("a run that does not fit is refused, and begins once there is room", async () => {
      const small = createRunRig(shell, { diskBytes: 2_000_000 });
      try {
        const id = nextId();
        const tree = join(small.folder, "tree");
        mkdirSync(tree);
        writeFileSync(join(tree, "big"), Buffer.alloc(3_000_000));
        const order = { argv: ["sh", "-c", `wc -c <big >>"$OUT/ran"`], env: { OUT: small.folder }, tree };
        expect(await small.submit(id, order)).toMatchObject({
          code: 5,
          stderr: expect.stringContaining("No space left") as string,
        });
        expect(readdirSync(small.runs)).toEqual([]);
        small.disk?.leave(8_000_000);
        expect(await small.submit(id, order)).toMatchObject({ code: 0 });
        await small.contactUntilEnded(id);
        expect(small.lines("ran").map(Number)).toEqual([3_000_000]);
      } finally {
        await small.end();
      }
    });
  });

  long("F4: the output, followed from any byte on while it grows, is what was written", async () => {
    const id = nextId();
    const bytes = randomBytes(400_000);
    writeFileSync(join(rig.folder, "burst"), bytes);
    const bursts = 5;
    await rig.submit(id, script(`for i in 1 2 3 4 5; do cat "$OUT/burst"; sleep 0.2; done`));
    const whole = createHash("sha256")
      .update(Buffer.concat(Array.from({ length: bursts }, () => bytes)))
      .digest("hex");
    const size = bursts * bytes.length;
    let seen = Buffer.alloc(0);
    for (let round = 0; seen.length < size; round++) {
      expect(round).toBeLessThan(60);
      seen = Buffer.concat([
        seen,
        await follow(id, seen.length, 150_000 + round * 7_919, size - seen.length),
      ]);
    }
    expect(createHash("sha256").update(seen).digest("hex")).toBe(whole);
    await rig.untilEnded(id);
  });

  test("following one whose folder has gone, or goes, comes to an end and says so", async () => {
    const id = nextId();
    const ask = (name: string) => rig.follow(id, name).ended;
    expect(await ask("output")).toEqual({ code: 0, stdout: "", stderr: "gone\n" });
    await rig.submit(id, script("echo here; sleep 300"));
    await until(() => rig.read(id, "output") === "here", "it does not run");
    const asked = [ask("output"), ask("stdout")];
    await delay(300);
    await rig.killSupervisor(id);
    for (const pid of listMarked(`SESTA_RUN=${id}`)) await killHard(pid).catch(() => undefined);
    rmSync(join(rig.runs, id), { recursive: true });
    const [output, stdout] = await Promise.all(asked);
    expect([output?.code, output?.stdout.split("\n")[0]]).toEqual([0, "here"]);
    for (const followed of [output, stdout]) expect(followed?.stderr).toMatch(/gone\n$/);
  });

  test("F2: following ends with whoever reads, before the run has begun and after it is over", async () => {
    const id = nextId();
    await rig.submit(id, script("echo here"));
    await rig.untilEnded(id);
    for (const name of ["output", "stdout"]) {
      const followed = rig.follow(id, name);
      await until(() => followed.stderr() !== "", "it says nothing");
      followed.letGo();
      expect((await followed.ended).code).toBe(0);
    }
    expect(listLiving(join(rig.runs, id))).toEqual([]);
  });

  /** Reads on from a byte until it has so many, and is cut off then. */
  function follow(id: string, from: number, most: number, left: number): Promise<Buffer> {
    const child = spawn(
      rig.sh,
      [join(rig.own, "follow.sh"), join(rig.runs, id), "output", String(from + 1)],
      {
        env: rig.env,
        detached: true,
        stdio: ["pipe", "pipe", "ignore"],
      },
    );
    return new Promise((resolve) => {
      const parts: Buffer[] = [];
      let length = 0;
      child.stdout.on("data", (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length >= Math.min(most, left)) process.kill(-(child.pid ?? 0), "SIGKILL");
      });
      child.once("close", () => resolve(Buffer.concat(parts)));
    });
  }

  test("F24: the scripts that began a run see it to its end, whichever ask", async () => {
    const id = nextId();
    const other = createRunRig(shell);
    try {
      await rig.submit(id, script(`sleep 0.8; exit 6`));
      await rig.untilFile(id, "program");
      await rig.killSupervisor(id);
      for (const name of readdirSync(other.own)) {
        if (name === "supervise.sh") writeFileSync(join(other.own, name), "echo another one >&2; exit 1\n");
      }
      await other.script("contact.sh", [rig.runs, id]);
      await rig.untilEnded(id);
      expect(rig.read(id, "ended")).toContain("code=6 reason=exit");
    } finally {
      await other.end();
    }
  });

  test("F24: where those are gone and the files are another kind's, it is said, and what runs is left alone", async () => {
    const id = nextId();
    await rig.submit(id, script(`sleep 300`));
    await rig.untilFile(id, "program");
    await rig.killSupervisor(id);
    const leader = rig.program(id) ?? 0;
    writeFileSync(rig.file(id, "scripts"), "/nowhere\n");
    writeFileSync(rig.file(id, "spec"), (rig.read(id, "spec") ?? "").replace("format=1", "format=99"));
    expect(await rig.facts(id)).toMatchObject({ isProgramAlive: true, ended: null });
    await delay(500);
    expect([lives(leader), startOf(leader) !== undefined]).toEqual([true, true]);
    for (const pid of [leader, ...listMarked(`SESTA_RUN=${id}`)]) await killHard(pid).catch(() => undefined);
    expect((await rig.contactUntilEnded(id)).ended).toMatchObject({ reason: "format" });
  });
}
