// From a workspace to a commit, whatever stands in the way: foreign repositories, secrets, full disks, lost folders, kills.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import type { SetAside } from "../../src/model/save.ts";
import { createFakeClock } from "../support/fake-clock.ts";
import { createSnapshotRig, userGit, type SnapshotRig } from "../support/snapshot-rig.ts";
import { asUser, asUserProblem, hand } from "./support/as-user.ts";
import { quiet, run } from "./support/command-line.ts";
import { limitMs, points } from "./support/points.ts";
import { until } from "./support/processes.ts";

let rig: SnapshotRig;
afterEach(() => rig.end());

const good = { alarm: null, again: false };

describe("F11: beside whatever the user does with git", () => {
  /** Everything of every `.git` in the workspace: bytes, times, inodes. */
  function lookAtGit(): unknown[] {
    return readdirSync(rig.workspace, { recursive: true, encoding: "utf8" })
      .filter((path) => path.split("/").includes(".git"))
      .toSorted()
      .map((path) => {
        const { mode, ino, mtimeMs, ctimeMs, size } = lstatSync(join(rig.workspace, path));
        const file = lstatSync(join(rig.workspace, path)).isFile();
        return [
          path,
          mode,
          ino,
          mtimeMs,
          ctimeMs,
          size,
          file && readFileSync(join(rig.workspace, path), "hex"),
        ];
      });
  }

  const inRepository = (...operands: string[]) => userGit(rig.workspace, ...operands);
  function commitTwoSides(): void {
    inRepository("init", "-q");
    rig.write({ "a.txt": "base\n", "b.txt": "kept\n" });
    inRepository("add", ".");
    inRepository("commit", "-qm", "base");
    inRepository("checkout", "-qb", "side");
    rig.write({ "a.txt": "side\n" });
    inRepository("commit", "-qam", "side");
    inRepository("checkout", "-q", "main");
    rig.write({ "a.txt": "main\n" });
    inRepository("commit", "-qam", "main");
  }
  const tolerate = (work: () => unknown) => {
    try {
      work();
    } catch {
      // a conflict is what is wanted
    }
  };

  const fixtures: Readonly<Record<string, () => void>> = {
    "mid-merge": () => {
      commitTwoSides();
      tolerate(() => inRepository("merge", "side"));
      expect(existsSync(join(rig.workspace, ".git", "MERGE_HEAD"))).toBe(true);
    },
    "mid-rebase": () => {
      commitTwoSides();
      tolerate(() => inRepository("rebase", "side"));
      expect(existsSync(join(rig.workspace, ".git", "rebase-merge"))).toBe(true);
    },
    "index.lock present": () => {
      commitTwoSides();
      rig.write({ ".git/index.lock": "", ".git/HEAD.lock": "", "new.txt": "unsaved" });
    },
    "detached HEAD": () => {
      commitTwoSides();
      inRepository("checkout", "-q", "--detach", "HEAD~1");
      rig.write({ "new.txt": "unsaved" });
    },
    "unborn HEAD": () => {
      inRepository("init", "-q");
      rig.write({ "a.txt": "first" });
      inRepository("add", "a.txt");
    },
    submodule: () => {
      const other = join(rig.root, "other");
      mkdirSync(other);
      userGit(other, "init", "-q");
      writeFileSync(join(other, "inside.txt"), "of the submodule");
      userGit(other, "add", ".");
      userGit(other, "commit", "-qm", "one");
      commitTwoSides();
      inRepository("submodule", "add", "-q", other, "sub");
      rig.write({ "sub/uncommitted.txt": "work" });
      expect(lstatSync(join(rig.workspace, "sub", ".git")).isFile()).toBe(true);
    },
    "nested repository with uncommitted work": () => {
      commitTwoSides();
      mkdirSync(join(rig.workspace, "nested"));
      userGit(join(rig.workspace, "nested"), "init", "-q");
      rig.write({ "nested/staged.txt": "1", "nested/.gitignore": "data/\n", "nested/data/big": "x" });
      userGit(join(rig.workspace, "nested"), "add", "staged.txt");
      rig.write({ "nested/staged.txt": "2", "nested/deep/new.txt": "3" });
    },
  };

  for (const [name, prepare] of Object.entries(fixtures)) {
    test(`F11: ${name}: saved as it lies there, and .git is as it was`, async () => {
      rig = createSnapshotRig();
      prepare();
      const before = lookAtGit();
      const taken = await rig.take();
      expect(taken).toMatchObject({ ...good, made: true, setAside: [] });
      const { "nested/data/big": _, ...expected } = rig.there();
      expect(rig.saved()).toEqual(expected);
      expect(Object.keys(expected).length).toBeGreaterThan(0);
      expect(await rig.take()).toMatchObject({ ...good, made: false, commit: taken.commit });
      expect(lookAtGit()).toEqual(before);
    });
  }

  test("F11: a file that is written while it is saved: a prefix of it is saved before long, then all of it", async () => {
    rig = createSnapshotRig();
    commitTwoSides();
    const before = lookAtGit();
    const log = join(rig.workspace, "log.txt");
    const script = `const fs = require("node:fs"); let n = 0; const end = process.hrtime.bigint() + 60_000_000_000n;
      while (process.hrtime.bigint() < end) fs.appendFileSync(process.argv[1], (n++) + "\\n");`;
    const writer = spawn(process.execPath, ["-e", script, log], { stdio: "ignore" });
    const ended = once(writer, "exit");
    try {
      await until(() => existsSync(log) && lstatSync(log).size > 200_000, "nothing is written");
      await until(async () => {
        const taken = await rig.take();
        expect(taken.alarm).toBeNull();
        return "log.txt" in rig.saved();
      }, "it is never saved");
      const text = rig.saved()["log.txt"] ?? "";
      expect(readFileSync(log, "latin1").startsWith(text)).toBe(true);
      expect(text.length).toBeGreaterThan(0);
    } finally {
      writer.kill("SIGKILL");
      await ended;
    }
    await rig.take();
    expect(rig.saved()).toEqual(rig.there());
    expect(lookAtGit()).toEqual(before);
  });
});

test("T10: hooks, filters, attributes and fsmonitor of foreign repositories run nothing", async () => {
  rig = createSnapshotRig();
  const canary = join(rig.root, "canary");
  const touch = `touch ${canary}`;
  for (const folder of [".", "nested"]) {
    mkdirSync(join(rig.workspace, folder), { recursive: true });
    const inside = join(rig.workspace, folder);
    userGit(inside, "init", "-q");
    for (const setting of [
      ["core.fsmonitor", `${touch}; false`],
      ["filter.evil.clean", `${touch}; cat`],
      ["filter.evil.process", touch],
      ["filter.evil.required", "true"],
      ["diff.external", touch],
      ["core.hooksPath", join(inside, "hooks")],
      ["core.sshCommand", touch],
      ["core.pager", touch],
      ["core.editor", touch],
      ["gc.auto", "1"],
    ] as const)
      userGit(inside, "config", ...setting);
    rig.write({
      [`${folder}/.gitattributes`]: "* filter=evil diff=evil text eol=crlf ident\n",
      [`${folder}/a.txt`]: "one\n$Id$\n",
    });
    for (const hook of [
      "pre-commit",
      "post-commit",
      "reference-transaction",
      "pre-auto-gc",
      "post-index-change",
    ])
      for (const place of ["hooks", ".git/hooks"]) {
        rig.write({ [`${folder}/${place}/${hook}`]: `#!/bin/sh\n${touch}\n` });
        chmodSync(join(inside, place, hook), 0o755);
      }
  }
  expect(await rig.take()).toMatchObject({ ...good, made: true });
  rig.write({ "a.txt": "two\n" });
  expect(await rig.take()).toMatchObject({ ...good, made: true, changed: 1 });
  await rig.snapshots().tidy();
  expect(existsSync(canary)).toBe(false);
  expect(rig.saved()).toEqual(rig.there());
  userGit(rig.workspace, "status");
  expect(existsSync(canary)).toBe(true); // it would have been touched
});

describe("set aside", () => {
  const keyId = ["AKIA", "QWERTYUIOPASDFGH"].join("");
  const secretKey = ["wJalrXUtnFEMI/K7MDENG", "/bPxRfiCYzEXA5PLKEy"].join("");

  test("T19: a fake AWS pair in two files: both set aside and named, the rest saved, no value anywhere", async () => {
    rig = createSnapshotRig();
    const notebook = JSON.stringify(
      { cells: [{ source: [`import boto3\n`, `key = "${secretKey}"\n`] }] },
      null,
      1,
    );
    rig.write({ "id.py": `x = 1\nKEY = "${keyId}"\n`, "key.ipynb": notebook, "rest.py": "print(1)\n" });
    const taken = await rig.take();
    expect(taken.setAside).toMatchObject([
      { path: "id.py", kind: "secret", why: "AWS access key ID in line 2" },
      { path: "key.ipynb", kind: "secret", why: "AWS secret access key in line 6" },
    ]);
    expect(Object.keys(rig.saved())).toEqual(["rest.py"]);
    expect(JSON.stringify(taken)).not.toContain(secretKey);
    const blobs = rig.git.run(["cat-file", "--batch-all-objects", "--batch"]);
    expect((await blobs).stdout).not.toMatch(new RegExp(`${keyId}|${secretKey}`));
    expect((await rig.take()).setAside).toHaveLength(2);
    rig.write({ "id.py": "x = 1\n" });
    expect((await rig.take()).setAside).toHaveLength(1);
    expect(Object.keys(rig.saved())).toEqual(["id.py", "rest.py"]);
  });

  test("T19: a secret that comes into a saved file: its last saved content stays", async () => {
    rig = createSnapshotRig({ secrets: () => ["the-token-of-this-project"] });
    rig.write({ "a.py": "one", "b.bin": Buffer.from([0, 1, 2]) });
    await rig.take();
    rig.write({ "a.py": "the-token-of-this-project", "b.bin": Buffer.from("\0the-token-of-this-project") });
    const { setAside } = await rig.take();
    expect(setAside.map(({ path, kind }) => [path, kind])).toEqual([
      ["a.py", "secret"],
      ["b.bin", "secret"],
    ]);
    expect(rig.saved()).toEqual({ "a.py": "one", "b.bin": "\0\x01\x02" });
  });

  test("T19: one that the project file names literally is saved all the same", async () => {
    rig = createSnapshotRig();
    rig.write({ "keys/id.py": keyId, "keys/other.py": keyId });
    await rig.take();
    expect(rig.saved()).toEqual({});
    rig.setRule({ include: ["keys/id.py", "keys/*"] });
    expect((await rig.take()).setAside).toMatchObject([{ path: "keys/other.py", kind: "secret" }]);
    expect(rig.saved()).toEqual({ "keys/id.py": keyId });
  });

  test("F10: a file that is too large, with sizes in words; what stands for it where there is something", async () => {
    let asked = 0;
    rig = createSnapshotRig({
      large: (path) => {
        if (path !== "lfs.bin") return Promise.resolve(undefined);
        asked += 1;
        return Promise.resolve({ pointer: Buffer.from("pointer") });
      },
    });
    rig.setRule({ maxFileBytes: 3 * 1024 * 1024 });
    rig.write({
      "small.txt": "1",
      "large.bin": Buffer.alloc(3_500_000),
      "fits.bin": Buffer.alloc(3_000_000, 7),
    });
    rig.write({ "lfs.bin": Buffer.alloc(4_000_000) });
    const { setAside } = await rig.take();
    expect(setAside).toEqual([{ path: "large.bin", kind: "large", why: "3.3MB, more than 3MB" }]);
    const saved = rig.saved();
    expect(Object.keys(saved)).toEqual(["fits.bin", "lfs.bin", "small.txt"]);
    expect([saved["lfs.bin"], saved["fits.bin"]?.length]).toEqual(["pointer", 3_000_000]);
    expect(await rig.take()).toMatchObject({ made: false, setAside });
    expect(asked).toBe(1);
    utimesSync(join(rig.workspace, "lfs.bin"), 1, 1);
    expect(await rig.take()).toMatchObject({ made: false, changed: 0 });
    await rig.take();
    expect(asked).toBe(2); // looked at anew once, and nothing was to be saved
  });

  test("what Sesta itself is writing there is passed over, even if it is included", async () => {
    rig = createSnapshotRig();
    rig.setRule({ include: [".sesta-write-*", "sub/"] });
    rig.write({
      "a.txt": "1",
      ".sesta-write-1.tmp": "2",
      "sub/.sesta-write-2.tmp": "3",
      ".sesta-write-": "4",
    });
    await rig.take();
    expect(rig.saved()).toEqual({ "a.txt": "1", ".sesta-write-": "4" });
  });

  test("F10: what the remote refused, as long as it is named", async () => {
    rig = createSnapshotRig();
    rig.write({ "a.txt": "1", "b.txt": "2" });
    expect(await rig.take({ without: new Set(["b.txt"]) })).toMatchObject({
      changed: 1,
      setAside: [{ path: "b.txt", kind: "refused" }],
    });
    expect(await rig.take()).toMatchObject({ changed: 1, setAside: [] });
    expect(rig.saved()).toEqual(rig.there());
  });

  test("names that git or UTF-8 cannot hold; pipes and sockets are nothing to save", async () => {
    rig = createSnapshotRig();
    rig.write({ "ok 'quoted\" \\name\n.txt": "1", ".GIT/config": "2", "git~1/x": "3", "a/.git. /x": "4" });
    writeFileSync(Buffer.concat([Buffer.from(`${rig.workspace}/caf`), Buffer.from([0xe9])]), "5");
    symlinkSync("elsewhere", join(rig.workspace, ".gitmodules"));
    symlinkSync("/etc", join(rig.workspace, "link"));
    spawnSync("mkfifo", [join(rig.workspace, "pipe")]);
    const { setAside } = await rig.take();
    expect(setAside.map(({ path, kind }) => [path, kind])).toEqual(
      [".GIT", ".gitmodules", "a/.git. ", "caf\\xe9", "git~1"].map((path) => [path, "name"]),
    );
    expect(rig.saved()).toEqual({ "ok 'quoted\" \\name\n.txt": "1", link: "-> /etc" });
    expect((await rig.git.run(["fsck", "--strict"])).exitCode).toBe(0);
  });
});

test.skipIf(asUserProblem !== undefined)(
  "what cannot be read is named, and keeps its last saved content",
  async () => {
    rig = createSnapshotRig();
    rig.write({ "shut/a.txt": "1", "shut/in/b.txt": "2", "c.txt": "3", "d.txt": "4", "walked/e.txt": "5" });
    rig.snapshots().close();
    chmodSync(rig.root, 0o755);
    for (const path of [".", ...readdirSync(rig.root, { recursive: true, encoding: "utf8" })])
      hand(join(rig.root, path));
    const main = join(import.meta.dirname, "..", "support", "take-main.ts");
    const take = () => run(asUser([process.execPath, quiet, main, rig.folder, rig.workspace]));
    expect(await take()).toMatchObject({ code: 0, stdout: "[]" });
    rig.write({ "c.txt": "changed", "d.txt": "changed" });
    for (const path of ["shut", "c.txt"]) chmodSync(join(rig.workspace, path), 0o000);
    chmodSync(join(rig.workspace, "walked"), 0o400); // its names can be listed, and nothing more
    const { code, stdout } = await take();
    const asides = (JSON.parse(stdout) as SetAside[]).map(({ path, kind, why }) => [path, kind, why]);
    expect([code, asides]).toEqual([
      0,
      ["c.txt", "shut", "walked/e.txt"].map((path) => [path, "unreadable", "EACCES"]),
    ]);
    const before = { "shut/a.txt": "1", "shut/in/b.txt": "2", "c.txt": "3", "walked/e.txt": "5" };
    expect(rig.saved()).toEqual({ ...before, "d.txt": "changed" });
  },
);

describe("F12: files that are gone", () => {
  const ten = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`f${index}.txt`, `content ${index}`]),
  );

  test("F12: half of them are removed; more are held until confirmed, while the rest is saved", async () => {
    rig = createSnapshotRig();
    rig.write(ten);
    await rig.take();
    rig.remove("f0.txt", "f1.txt", "f2.txt", "f3.txt", "f4.txt", "f5.txt");
    rig.write({ "new.txt": "1" });
    expect(await rig.take()).toMatchObject({ changed: 1, held: { gone: 6, of: 11 } });
    expect(rig.saved()).toEqual({ ...ten, "new.txt": "1" });
    await rig.reopen();
    rig.write({
      "f0.txt": "back",
      ...Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`more${n}`, `${n}`])),
    });
    expect(await rig.take()).toMatchObject({ held: { gone: 5 } }); // still, though they are few now
    expect(await rig.take({ acceptDeletions: true })).toMatchObject({ changed: 5, held: null });
    expect(rig.saved()).toEqual(rig.there());
  });

  test("F12: many small deletions in a row count together; moving everything is none", async () => {
    rig = createSnapshotRig({ clock: createFakeClock(Date.now()) });
    rig.write(ten);
    await rig.take();
    mkdirSync(join(rig.workspace, "inner"));
    for (const name of Object.keys(ten))
      renameSync(join(rig.workspace, name), join(rig.workspace, "inner", name));
    expect(await rig.take()).toMatchObject({ changed: 20, held: null });
    rig.remove("inner/f0.txt", "inner/f1.txt", "inner/f2.txt");
    expect(await rig.take()).toMatchObject({ changed: 3, held: null });
    rig.remove("inner/f3.txt", "inner/f4.txt", "inner/f5.txt");
    expect(await rig.take()).toMatchObject({ made: false, held: { gone: 3 } });
  });

  test("F12: missing or another workspace: nothing is saved, an alarm instead", async () => {
    rig = createSnapshotRig();
    rig.write(ten);
    const { commit } = await rig.take();
    renameSync(rig.workspace, `${rig.workspace}.away`);
    const alarmed = { commit, made: false, alarm: { kind: "workspace", hint: expect.any(String) as string } };
    expect(await rig.take()).toMatchObject(alarmed);
    mkdirSync(rig.workspace);
    expect(await rig.take()).toMatchObject(alarmed);
    rig.write({ "f0.txt": "content 0", "stray.txt": "1" });
    await rig.reopen();
    expect(await rig.take()).toMatchObject(alarmed);
    rmSync(rig.workspace, { recursive: true });
    renameSync(`${rig.workspace}.away`, rig.workspace);
    expect(await rig.take()).toMatchObject({ ...good, made: false, commit });
    expect(rig.saved()).toEqual(ten);
  });

  test("F12: another folder is the workspace when most is there, or when it is confirmed", async () => {
    rig = createSnapshotRig();
    rig.write(ten);
    await rig.take();
    renameSync(rig.workspace, `${rig.workspace}.1`);
    const { "f0.txt": _, ...most } = ten;
    rig.write(most);
    expect(await rig.take()).toMatchObject({ ...good, changed: 1 });
    renameSync(rig.workspace, `${rig.workspace}.2`);
    rig.write({ "other.txt": "1" });
    expect(await rig.take()).toMatchObject({ alarm: { kind: "workspace" } });
    expect(await rig.take({ acceptDeletions: true })).toMatchObject({ ...good, held: null });
    expect(rig.saved()).toEqual({ "other.txt": "1" });
  });
});

describe("the commits", () => {
  test("say who, what and how much; none is empty; a merge has two parents", async () => {
    rig = createSnapshotRig();
    rig.write({ "a/x.ipynb": "1", "b.py": "2", "c.py": "3" });
    await rig.take();
    const show = async (format: string) =>
      rig.git.get(["log", "-1", `--format=${format}`, "refs/sesta/work"]);
    expect(await show("%s|%an <%ae>|%cn")).toBe(
      "Save lab: x.ipynb, b.py and 1 more|Ada <ada@example.org>|Ada",
    );
    writeFileSync(join(rig.workspace, "b.py"), "2"); // touched, and the same
    expect(await rig.take()).toMatchObject({ made: false, changed: 0 });
    const tip = await rig.snapshots().head();
    await rig.snapshots().adopt(null);
    expect([await rig.snapshots().head(), rig.snapshots().files().size]).toEqual([undefined, 0]);
    rig.write({ "b.py": "other" });
    const { commit } = await rig.take();
    expect(await rig.take({ merge: tip ?? "", message: "Together" })).toMatchObject({
      made: true,
      changed: 0,
    });
    expect(await show("%P|%s")).toBe(`${commit} ${tip}|Together`);
    const refs = await rig.git.get(["for-each-ref", "--format=%(objectname)", "refs/sesta/old/"]);
    expect(refs).toBe(tip);
  });

  test("an adopted commit is the base: what differs on disk is the next save, ignored files in it stay", async () => {
    rig = createSnapshotRig();
    rig.write({ "a.txt": "1", ".gitignore": "data/\n", "data/x": "forced" });
    rig.setRule({ include: ["data/"] });
    const first = (await rig.take()).commit;
    rig.setRule({ include: [] });
    await rig.reopen();
    rig.write({ "a.txt": "2" });
    await rig.take();
    rmSync(join(rig.folder, "state.db"));
    await rig.reopen();
    await rig.snapshots().adopt(first);
    rig.write({ "data/y": "ignored" });
    expect(await rig.take()).toMatchObject({ ...good, changed: 1 });
    expect(rig.saved()).toEqual({ "a.txt": "2", ".gitignore": "data/\n", "data/x": "forced" });
  });

  test("a file where a folder was, a folder where a file was, also of what is held", async () => {
    rig = createSnapshotRig();
    rig.write({ "a/b/1": "one", "a/b/2": "two", "a/c": "three", d: "four" });
    await rig.take();
    rig.remove("a", "d");
    rig.write({ a: "now a file", "d/e/f": "now a folder" });
    expect((await rig.take()).alarm).toBeNull();
    expect(rig.saved()).toMatchObject({ a: "now a file", "d/e/f": "now a folder" });
    expect(rig.saved()).toEqual(rig.there());
  });

  test(
    "as the workspace without what is ignored, for any tree and any edits",
    { timeout: 240_000 },
    async () => {
      const name = fc.constantFrom("a", "b", "c.txt", "é", "x y", "build", "keep.log", "z.log");
      const path = fc.array(name, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
      const edit = fc.record({
        path,
        kind: fc.constantFrom("write", "write", "write", "remove", "link", "program", "ignore", "rename"),
        content: fc.string({ maxLength: 20 }),
        to: path,
      });
      const attempt = (work: () => unknown) => {
        try {
          work();
        } catch {
          // a file is in the way of a folder, or there is nothing there
        }
      };
      function apply({
        path,
        kind,
        content,
        to,
      }: {
        path: string;
        kind: string;
        content: string;
        to: string;
      }): void {
        const at = join(rig.workspace, path);
        if (kind === "remove") return attempt(() => rig.remove(path));
        if (kind === "rename") return attempt(() => renameSync(at, join(rig.workspace, to)));
        attempt(() => mkdirSync(join(at, ".."), { recursive: true }));
        if (kind === "link") return attempt(() => symlinkSync(content.replace(/\0/g, "") || "x", at));
        if (kind === "ignore")
          return attempt(() =>
            writeFileSync(join(at, "..", ".gitignore"), "build/\n*.log\n!keep.log\n/a/b\n"),
          );
        attempt(() => writeFileSync(at, content));
        if (kind === "program") attempt(() => chmodSync(at, 0o755));
      }
      /** By git itself, in an index of its own that knows nothing of before. */
      function expected(): string {
        const gitDir = join(rig.root, "oracle");
        rmSync(gitDir, { recursive: true, force: true });
        userGit(rig.root, "init", "-q", "--bare", gitDir);
        const inside = [`--git-dir=${gitDir}`, `--work-tree=${rig.workspace}`, "-c", "core.bare=false"];
        userGit(rig.workspace, ...inside, "add", "-A");
        return userGit(rig.workspace, ...inside, "write-tree").trim();
      }
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.array(edit, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 4 }),
          async (rounds) => {
            rig = createSnapshotRig();
            try {
              for (const edits of rounds) {
                edits.forEach(apply);
                expect(await rig.take({ acceptDeletions: true })).toMatchObject(good);
                const { stdout } = await rig.git.run(["rev-parse", "refs/sesta/work^{tree}"]);
                const empty = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
                expect((stdout.trim().match(/^[0-9a-f]{40}$/) ?? [empty])[0]).toBe(expected());
              }
            } finally {
              rig.end();
            }
          },
        ),
        { numRuns: process.env["SESTA_FAULTS"] === "full" ? 300 : 25 },
      );
    },
  );
});

describe("watched", () => {
  test("what happens anywhere is heard, and a take looks only there; the net finds the rest", async () => {
    const clock = createFakeClock(Date.now());
    let heard = 0;
    rig = createSnapshotRig({ clock, dirty: () => void (heard += 1) });
    rig.write({ "a/b/1.txt": "1", "c.txt": "2", "node_modules/x.js": "3" });
    const stop = new AbortController();
    const watching = rig.snapshots().watch(stop.signal);
    await rig.take({ full: false });
    async function saves(change: () => void): Promise<void> {
      heard = 0;
      change();
      await until(async () => {
        if (heard === 0) return false;
        await rig.take({ full: false, acceptDeletions: false });
        const { "node_modules/x.js": _, ...there } = rig.there();
        return JSON.stringify(sorted(rig.saved())) === JSON.stringify(sorted(there));
      }, "it is not saved");
    }
    const sorted = (files: Record<string, string>) => Object.entries(files).toSorted();
    await saves(() => rig.write({ "a/b/1.txt": "changed" }));
    await saves(() => rig.write({ "new/deep/er/file.txt": "4" }));
    await saves(() => rig.write({ "new/deep/er/second.txt": "5" }));
    await saves(() => renameSync(join(rig.workspace, "a"), join(rig.workspace, "new", "a")));
    await saves(() => rig.write({ "new/a/b/1.txt": "moved and changed" }));
    await saves(() => rig.remove("new/deep"));
    await saves(() => rig.write({ "new/.gitignore": "*.tmp\n", "new/x.txt": "6" }));
    const silently = `import mmap, sys
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as memory: memory[0:1] = b"#"`;
    await rig.take({ full: false });
    // Through mapped memory: inotify(7) tells nothing of it.
    spawnSync("python3", ["-c", silently, join(rig.workspace, "c.txt")]);
    await until(async () => {
      await clock.advance(61_000);
      return (await rig.take({ full: false })).made;
    }, "the net does not find it");
    expect(rig.saved()["c.txt"]).toBe("#");
    stop.abort();
    await watching;
  });

  test("F22: without a watch, each take looks at everything", async () => {
    rig = createSnapshotRig();
    rig.write({ "a/1.txt": "1" });
    await rig.take({ full: false });
    rig.write({ "a/1.txt": "22" });
    expect(await rig.take({ full: false })).toMatchObject({ made: true, changed: 1 });
  });
});

const tmpfsProblem = ((): string | undefined => {
  const at = mkdtempSync(join(tmpdir(), "sesta-tmpfs-"));
  const { status, stderr } = spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", at], {
    encoding: "utf8",
  });
  if (status === 0) spawnSync("umount", [at]);
  rmSync(at, { recursive: true });
  return status === 0 ? undefined : `no small disk can be mounted: ${stderr.trim()}`;
})();
if (tmpfsProblem !== undefined) process.stderr.write(`skipped: ${tmpfsProblem}\n`);

describe.skipIf(tmpfsProblem !== undefined)("F7: a disk of 1 MB", () => {
  async function onSmallDisk(work: (disk: string) => Promise<void>): Promise<void> {
    const disk = mkdtempSync(join(tmpdir(), "sesta-disk-"));
    spawnSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]);
    try {
      await work(disk);
    } finally {
      rig.snapshots().close();
      spawnSync("umount", [disk]);
      rmSync(disk, { recursive: true });
    }
  }

  test("F7: with less than the reserve free nothing is written", () =>
    onSmallDisk(async (disk) => {
      rig = createSnapshotRig({}, disk);
      rig.write({ "a.txt": "1" });
      expect(await rig.take()).toMatchObject({
        commit: null,
        made: false,
        alarm: { kind: "disk", hint: /./ },
      });
      expect(readdirSync(disk)).toEqual([]);
    }));

  test("F7: full in the middle: what was saved is whole, and saving goes on when there is space", () =>
    onSmallDisk(async (disk) => {
      rig = createSnapshotRig({ reserveBytes: 0 }, disk);
      rig.write({ "a.txt": "1" });
      const first = await rig.take();
      expect(first).toMatchObject({ ...good, made: true });
      const large = Buffer.from(
        Array.from({ length: 1_500_000 }, (_, at) => (at * at * 31 + (at >> 7)) & 255),
      );
      rig.write({ "b.bin": large, "a.txt": "2" });
      for (let round = 0; round < 3; round++) {
        expect(await rig.take()).toMatchObject({
          commit: first.commit,
          made: false,
          alarm: { kind: "disk" },
        });
        expect(rig.saved()).toEqual({ "a.txt": "1" });
      }
      await rig.reopen();
      rig.remove("b.bin");
      expect(await rig.take()).toMatchObject({ ...good, made: true, changed: 1 });
      expect(rig.saved()).toEqual({ "a.txt": "2" });
      const fill = join(disk, "fill");
      writeFileSync(fill, "");
      while (
        spawnSync("dd", ["if=/dev/zero", `of=${fill}`, "bs=1k", "count=4", "oflag=append", "conv=notrunc"])
          .status === 0
      );
      rig.write({ "a.txt": "3" });
      expect(await rig.take()).toMatchObject({ made: false, alarm: { kind: "disk" } });
      truncateSync(fill, 0);
      expect(await rig.take()).toMatchObject({ ...good, made: true });
      expect(rig.saved()).toEqual(rig.there());
    }));
});

const straceProblem =
  spawnSync("strace", ["-f", "-e", "trace=none", "true"]).status === 0
    ? undefined
    : "strace does not work here";
if (straceProblem !== undefined)
  process.stderr.write(`skipped: ${straceProblem}, so no save is killed at its writes\n`);

describe.skipIf(straceProblem !== undefined)("killed at any write", () => {
  const writes = "write,pwrite64,fdatasync,fsync,ftruncate,link,linkat,rename,unlink,mkdir";
  const main = join(import.meta.dirname, "..", "support", "take-main.ts");
  const node = () => [process.execPath, quiet, main, rig.folder, rig.workspace];
  /** Each process and thread counts its own calls. */
  const strace = (inject: string) => [
    "strace",
    "-f",
    "-o",
    "/dev/null",
    "-e",
    `trace=${writes}`,
    "-e",
    `inject=${inject}`,
  ];
  /** Only git is traced. */
  function withGit(inject: string): string[] {
    const real = spawnSync("sh", ["-c", "command -v git"], { encoding: "utf8" }).stdout.trim();
    const folder = join(rig.root, "bin");
    mkdirSync(folder);
    writeFileSync(join(folder, "git"), `#!/bin/sh\nexec ${strace(inject).join(" ")} ${real} "$@"\n`, {
      mode: 0o755,
    });
    return ["env", `PATH=${folder}:${process.env["PATH"]}`, ...node()];
  }

  for (const [what, all, buildArgv] of [
    [
      "SIGKILL of any process",
      90,
      (count: number) => [...strace(`${writes}:signal=KILL:when=${count}`), ...node()],
    ],
    ["SIGKILL of git", 24, (count: number) => withGit(`${writes}:signal=KILL:when=${count}`)],
    [
      "a full disk under git",
      18,
      (count: number) => withGit(`write,pwrite64,mkdir,link,rename:error=ENOSPC:when=${count}+`),
    ],
  ] as const) {
    test(
      `F11, F7: ${what}: the next take holds everything`,
      { timeout: limitMs(10, 2 * all, 15_000) },
      async () => {
        let failed = 0;
        for (const point of points(10, 2 * all)) {
          rig = createSnapshotRig();
          rig.write({ "a.txt": "1", "b/c.txt": "2" });
          if (point % 2 === 1) await rig.take(); // else it happens to the very first
          rig.write({ "a.txt": "changed", "new.txt": "3" });
          rig.snapshots().close();
          const { code } = await run(buildArgv(1 + (point >> 1)));
          if (code !== 0) failed += 1;
          await rig.reopen();
          const taken = await rig.take();
          expect([point, taken]).toMatchObject([point, good]);
          expect([point, rig.saved()]).toEqual([point, rig.there()]);
          rig.write({ "a.txt": "again" });
          expect([point, await rig.take()]).toMatchObject([point, { ...good, made: true, changed: 1 }]);
          expect((await rig.git.run(["fsck", "--full"])).stderr).not.toMatch(
            /^(?:error|fatal|missing|broken)/m,
          );
          rig.end();
        }
        expect(failed).toBeGreaterThan(0);
      },
    );
  }
});
