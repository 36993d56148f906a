// What remotes say to a push, in the words of git, OpenSSH, GitHub and GitLab, and what it means.
import { expect, it } from "vitest";
import { readPush, type PushOutcome } from "./push-outcome.ts";
import { explainRemote } from "./remote-trouble.ts";

const ref = "refs/heads/main";
const status = (flag: string, reason: string) =>
  `To https://host/a/b.git\n${flag}\tabc:refs/heads/main\t${reason}\nDone\n`;
const push = (
  exitCode: number,
  stdout: string,
  stderr: string,
  pushed?: ReadonlyMap<string, string>,
): PushOutcome =>
  readPush({ exitCode, stdout, stderr }, { ref, token: "tok-SECRET-1", ...(pushed && { pushed }) });

const progress =
  "Enumerating objects: 3, done.\rCounting objects: 100% (3/3), done.\nTotal 3 (delta 0), reused 0\n";
const failed = "error: failed to push some refs to 'https://host/a/b.git'\n";
const unsure =
  "fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights\nand the repository exists.\n";

it("F8: is confirmed only by git's own word for this very branch", () => {
  for (const flag of [" ", "*", "="])
    expect(push(0, status(flag, "[new branch]"), progress)).toEqual({ kind: "confirmed" });
  expect(push(1, status(" ", "1..2"), progress).kind).not.toBe("confirmed");
  expect(push(0, "To x\nDone\n", "Everything up-to-date\n").kind).not.toBe("confirmed");
  expect(push(0, "To x\n*\tabc:refs/heads/other/refs/heads/main2\t[new branch]\nDone\n", "").kind).not.toBe(
    "confirmed",
  );
  expect(push(0, status("-", "[deleted]"), "").kind).not.toBe("confirmed");
  expect(push(128, "", "").kind).toBe("git");
});

it("F9: tells a branch that has moved, also between git's look and its write", () => {
  for (const reason of ["(fetch first)", "(non-fast-forward)", "(needs force)"]) {
    expect(push(1, status("!", `[rejected] ${reason}`), failed)).toEqual({ kind: "moved" });
  }
  const race =
    "remote: error: cannot lock ref 'refs/heads/main': is at 1111111 but expected 2222222        \n";
  expect(push(1, status("!", "[remote rejected] (failed to update ref)"), race + failed)).toEqual({
    kind: "moved",
  });
  const came = "remote: error: cannot lock ref 'refs/heads/main': reference already exists\n";
  expect(push(1, status("!", "[remote rejected] (failed to update ref)"), came + failed)).toEqual({
    kind: "moved",
  });
  const left =
    "remote: error: cannot lock ref 'refs/heads/main': Unable to create '/srv/a/./refs/heads/main.lock': File exists.\n";
  expect(push(1, status("!", "[remote rejected] (failed to update ref)"), left + failed)).toMatchObject({
    kind: "git",
    message: expect.stringContaining("main.lock"),
  });
});

it("F10: tells a refusal, in the remote's words, and the files that it names", () => {
  const declined = status("!", "[remote rejected] (pre-receive hook declined)");
  const refusals: [string, string, string[], RegExp][] = [
    [declined, "remote: not on Fridays        \n", [], /pre-receive hook declined\): not on Fridays$/],
    [
      declined,
      "remote: error: Trace: 654c8d72f32f9965c4734092a2fb75d3\nremote: error: See https://gh.io/lfs for more information.\nremote: error: File data/my model.pkl is 122.92 MB; this exceeds GitHub's file size limit of 100.00 MB\nremote: error: File b.bin is 301 MB; this exceeds GitHub's file size limit of 100.00 MB\nremote: error: GH001: Large files detected. You may want to try Git Large File Storage - https://git-lfs.github.com.\n",
      ["data/my model.pkl", "b.bin"],
      /: error: File data\/my model\.pkl is 122\.92 MB/,
    ],
    [
      status("!", "[remote rejected] (push declined due to repository rule violations)"),
      "remote: error: GH013: Repository rule violations found for refs/heads/main.\nremote:\nremote: - GITHUB PUSH PROTECTION\nremote:   —————————————————————————————————————————\nremote:     Resolve the following violations before pushing again\nremote:       —— GitHub Personal Access Token ——————————————————————\nremote:        locations:\nremote:          - commit: 5477a7dd26384ed3c8b3814ee677f755ad27a597\nremote:            path: src/api/keys file.py:34\n",
      ["src/api/keys file.py"],
      /GH013: Repository rule violations/,
    ],
    [
      status(
        "!",
        "[remote rejected] (refusing to allow a Personal Access Token to create or update workflow `.github/workflows/ci.yml` without `workflow` scope)",
      ),
      "",
      [".github/workflows/ci.yml"],
      /without `workflow` scope/,
    ],
    [
      declined,
      'remote: GitLab: File "big.csv" is larger than the allowed size of 10 MiB. Use Git LFS to manage this file.\n',
      ["big.csv"],
      /allowed size/,
    ],
    [
      declined,
      'remote: GitLab: File name id_rsa was prohibited by the pattern "id_rsa$".\n',
      ["id_rsa"],
      /prohibited/,
    ],
    [
      declined,
      "remote: PUSH BLOCKED: Secrets detected in code changes\nremote: Secret push protection found the following secrets in commit: 37e54de5e78c31d9e3c3821fd15f7069e3d375b6\nremote: -- test.txt:2 GitLab Personal Access Token\n",
      ["test.txt"],
      /PUSH BLOCKED/,
    ],
    [
      status("!", "[remote rejected] (protected branch hook declined)"),
      "remote: error: GH006: Protected branch update failed for refs/heads/main.\n",
      [],
      /GH006/,
    ],
    [
      status("!", "[remote rejected] (branch is currently checked out)"),
      "remote: error: refusing to update checked out branch: refs/heads/main\n",
      [],
      /checked out/,
    ],
  ];
  for (const [stdout, stderr, files, message] of refusals) {
    expect(push(1, stdout, progress + stderr + failed)).toMatchObject({
      kind: "refused",
      files,
      message: expect.stringMatching(message),
    });
  }
});

it("F10: finds the path of an object that the remote named, and a path in a hook's own words", () => {
  const big = "257cc5642cb1a054f08cc83f2d943e56fd3ebe99";
  const pushed = new Map([
    ["data/big.bin", big],
    ["notes.md", "1".repeat(40)],
    ["a", "2".repeat(40)],
    ["my notes.md", "3".repeat(40)],
  ]);
  const declined = status("!", "[remote rejected] (pre-receive hook declined)");
  const gitlab = `remote: GitLab: You are attempting to check in one or more files which exceed the 100MiB limit:\nremote:\nremote: - ${big} (123 MiB)\n`;
  expect(push(1, declined, gitlab, pushed)).toMatchObject({ files: ["data/big.bin"] });
  const fsck = `remote: error: object ${big}: gitmodulesUrl: disallowed submodule url: --upload-pack\nremote: fatal: fsck error in packed object\nerror: remote unpack failed: index-pack abnormal exit\n`;
  expect(push(1, status("!", "[remote rejected] (unpacker error)"), fsck, pushed)).toMatchObject({
    kind: "refused",
    files: ["data/big.bin"],
  });
  expect(push(1, declined, "remote: no, a file: notes.md: is bad\n", pushed)).toMatchObject({
    files: ["notes.md"],
  });
  expect(push(1, declined, "remote: bad: my notes.md\n", pushed)).toMatchObject({
    files: expect.arrayContaining(["my notes.md"]),
  });
  expect(push(1, declined, "remote: 'a' is bad\n", pushed)).toMatchObject({ files: ["a"] });
  expect(push(1, declined, "remote: a rule; see https://x/notes.md\n", pushed)).toMatchObject({ files: [] });
});

it("F8, F10: tells apart what cannot be reached, what is not let in, and what has no room", () => {
  const cases: [string, string][] = [
    [
      "unreachable",
      "fatal: unable to access 'http://127.0.0.1:1/x/': Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server\n",
    ],
    [
      "unreachable",
      "fatal: unable to access 'https://github.com/a/b/': Could not resolve host: github.com\n",
    ],
    [
      "unreachable",
      "fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused\n\n",
    ],
    ["unreachable", `ssh: connect to host 127.0.0.1 port 1: Connection refused\r\n${unsure}`],
    ["unreachable", `ssh: Could not resolve hostname nowhere.invalid: Name or service not known\n${unsure}`],
    [
      "unreachable",
      `kex_exchange_identification: Connection closed by remote host\nConnection closed by 10.0.0.1 port 22\n${unsure}`,
    ],
    [
      "unreachable",
      "error: RPC failed; curl 56 Recv failure: Connection reset by peer\nsend-pack: unexpected disconnect while reading sideband packet\nfatal: the remote end hung up unexpectedly\n",
    ],
    [
      "unreachable",
      "error: RPC failed; HTTP 502 curl 22 The requested URL returned error: 502\nfatal: the remote end hung up unexpectedly\nEverything up-to-date\n",
    ],
    [
      "unreachable",
      "fatal: unable to access 'https://h/': Operation too slow. Less than 1 bytes/sec transferred the last 60 seconds\n",
    ],
    [
      "unreachable",
      "fatal: unable to access 'https://h/': SSL certificate problem: self signed certificate\n",
    ],
    ["unreachable", `fatal: '/mnt/saves.git' does not appear to be a git repository\n${unsure}`],
    [
      "token",
      "remote: Invalid username or token. Password authentication is not supported for Git operations.\nfatal: Authentication failed for 'https://github.com/a/b.git/'\n",
    ],
    [
      "token",
      "remote: HTTP Basic: Access denied. The provided password or token is incorrect or your account has 2FA enabled.\nfatal: Authentication failed for 'https://gitlab.com/a/b.git/'\n",
    ],
    ["token", "fatal: could not read Username for 'https://github.com': terminal prompts disabled\n"],
    [
      "token",
      "remote: Permission to a/b.git denied to somebody.\nfatal: unable to access 'https://github.com/a/b.git/': The requested URL returned error: 403\n",
    ],
    [
      "token",
      "remote: Write access to repository not granted.\nfatal: unable to access 'https://github.com/a/b.git/': The requested URL returned error: 403\n",
    ],
    [
      "token",
      "remote: You are not allowed to push code to this project.\nfatal: unable to access 'https://gitlab.com/a/b.git/': The requested URL returned error: 403\n",
    ],
    ["token", "remote: Repository not found.\nfatal: repository 'https://github.com/a/b.git/' not found\n"],
    ["token", `git@github.com: Permission denied (publickey).\r\n${unsure}`],
    ["token", `ERROR: The key you are authenticating with has been marked as read only.\n${unsure}`],
    ["token", `ERROR: Repository not found.\n${unsure}`],
    [
      "token",
      `remote: \nremote: ERROR: The project you were looking for could not be found or you don't have permission to view it.\nremote: \n${unsure}`,
    ],
    [
      "token",
      `No ED25519 host key is known for host and you have requested strict checking.\nHost key verification failed.\n${unsure}`,
    ],
    [
      "refused",
      "remote: This repository was archived so it is read-only.\nfatal: unable to access 'https://github.com/a/b.git/': The requested URL returned error: 403\n",
    ],
    [
      "refused",
      "error: RPC failed; HTTP 413 curl 22 The requested URL returned error: 413\nsend-pack: unexpected disconnect while reading sideband packet\nfatal: the remote end hung up unexpectedly\nEverything up-to-date\n",
    ],
    [
      "disk",
      "remote: fatal: write error: No space left on device        \nerror: remote unpack failed: index-pack abnormal exit\n",
    ],
    ["disk", "error: unable to create temporary file: No space left on device\nfatal: pack-objects failed\n"],
    ["git", "fatal: transport 'ext' not allowed\n"],
    ["git", "error: src refspec 1234 does not match any\n"],
    ["git", ""],
  ];
  for (const [kind, stderr] of cases) {
    expect({ stderr, ...push(128, "", progress + stderr) }).toMatchObject({ stderr, kind });
  }
  const full = status("!", "[remote rejected] (unpacker error)");
  expect(
    push(
      1,
      full,
      "remote: fatal: sha1 file '<stdout>' write error: No space left on device\nerror: remote unpack failed: index-pack abnormal exit\n",
    ).kind,
  ).toBe("disk");
  expect(
    push(
      1,
      full,
      "remote: fatal: pack exceeds maximum allowed size (1.00 MiB)\nerror: remote unpack failed: index-pack abnormal exit\n",
    ).kind,
  ).toBe("refused");
  expect(push(1, status("!", "[remote failure] (remote failed to report status)"), "").kind).toBe(
    "unreachable",
  );
  expect(explainRemote({ exitCode: 128, stderr: "", silent: true }).kind).toBe("unreachable");
});

it("T4: shows neither token nor user names in addresses nor what moves a terminal, and stays short", () => {
  const said = `fatal: unable to access 'https://me:tok-SECRET-1@host/a.git/': Could not resolve host: \u001b[31mhost tok-SECRET-1 ${"x".repeat(900)}\n`;
  const outcome = push(128, "", said);
  expect(outcome.kind).toBe("unreachable");
  const { message } = outcome as { message: string };
  for (const bad of ["SECRET", "me:", "\u001b"]) expect(message).not.toContain(bad);
  expect(message.length).toBeLessThan(400);
});
