// What may stand as the repository of saves, what it is, and what never may.
import { expect, test } from "vitest";
import {
  parseRepository,
  repositoryKey,
  resolveRepository,
  tokenProblem,
  type Repository,
} from "./repository.ts";

test.each<[string, Repository]>([
  [
    "https://github.com/acme/notebooks.git",
    { kind: "https", host: "github.com", path: "/acme/notebooks.git" },
  ],
  ["https://alice@git.acme.example:8443/x", { kind: "https", host: "git.acme.example:8443", path: "/x" }],
  ["http://127.0.0.1:3000/x.git", { kind: "http", host: "127.0.0.1:3000", path: "/x.git" }],
  ["http://[::1]:3000/x.git", { kind: "http", host: "[::1]:3000", path: "/x.git" }],
  ["ssh://git@github.com/acme/x.git", { kind: "ssh", host: "github.com", path: "/acme/x.git" }],
  ["git://host/x.git", { kind: "git", host: "host", path: "/x.git" }],
  ["git@github.com:acme/x.git", { kind: "ssh", host: "github.com", path: "acme/x.git" }],
  ["box:repos/x.git", { kind: "ssh", host: "box", path: "repos/x.git" }],
  ["../saves.git", { kind: "path", path: "../saves.git" }],
  ["./odd:name.git", { kind: "path", path: "./odd:name.git" }],
  ["/srv/git/with space.git", { kind: "path", path: "/srv/git/with space.git" }],
  ["file:///srv/git/x.git", { kind: "path", path: "/srv/git/x.git" }],
])("%s", (text, found) => expect(parseRepository(text)).toEqual(found));

const canary = "CanaryZq7";
test.each([
  `https://alice:${canary}@github.com/acme/x.git`,
  `https://:${canary}@github.com/acme/x.git`,
  `http://alice:${canary}@127.0.0.1/x.git`,
  `ssh://git:${canary}@host/x.git`,
  `git:${canary}@host:x.git`,
  `https://ghp_${canary}@github.com/acme/x.git`,
  `https://github_pat_${canary}@github.com/acme/x.git`,
  `https://glpat-${canary}@gitlab.com/acme/x.git`,
  `https://${canary.repeat(6)}@github.com/acme/x.git`,
])("T4: %s holds a secret: refused, not repeated, and said where it belongs", (text) => {
  const problem = parseRepository(text);
  expect(problem).toMatchObject({ help: expect.stringContaining("token: ${secret.") as string });
  expect(JSON.stringify(problem)).not.toContain(canary);
});

test.each([
  "",
  " ",
  " https://host/x",
  "-oProxyCommand=id",
  "--upload-pack=id",
  "ext::sh -c id",
  "::x",
  "fd::7",
  "ssh://-oProxyCommand=id/x",
  "ssh://-l@host/x",
  "-x@host:path",
  "host:-path",
  "-host:path",
  "http://ho st/x",
  "https://",
  "https://github.com",
  "https://github.com/",
  "https://host/x?access_token=a",
  "git@host:a/x.git?token=a",
  "host:x.git#main",
  "ftp://host/x",
  "HTTPS://host/x",
  "file://host/x",
  "file://x",
  "~/saves.git",
  "a\nb",
  "a\u0000b",
  "${env.HOME}/x",
  "x".repeat(1_025),
])("T9: %j is refused", (text) => expect(parseRepository(text)).toHaveProperty("expected"));

test("a folder is resolved against the project's; every address stays as it is", () => {
  expect(resolveRepository("../saves.git", "/home/ada/team")).toBe("/home/ada/saves.git");
  expect(resolveRepository("/srv/x.git", "/home/ada/team")).toBe("/srv/x.git");
  for (const text of ["https://h/x.git", "git@h:x.git", "file:///srv/x.git"])
    expect(resolveRepository(text, "/home/ada/team")).toBe(text);
});

test.each([
  ["https://h/x", undefined],
  ["http://127.0.0.1:80/x", undefined],
  ["http://localhost/x", undefined],
  ["http://[::1]/x", undefined],
  ["http://git.acme.example/x", "in clear"],
  ["http://127.0.0.1.evil.example/x", "in clear"],
  ["ssh://h/x", "ssh"],
  ["h:x", "ssh"],
  ["git://h/x", "git://"],
  ["x.git", "folder"],
])("T4: a token for %s: %s", (text, said) => {
  const found = parseRepository(text);
  if (!("kind" in found)) throw new Error("no repository");
  const problem = tokenProblem(found);
  if (said === undefined) expect(problem).toBeUndefined();
  else expect(problem).toContain(said);
});

test("two ways to write the same repository are one", () => {
  const keys = [
    "https://github.com/acme/x.git",
    "https://GitHub.com/acme/x/",
    "git@github.com:acme/x.git",
    "ssh://git@github.com/acme/x",
  ].map((text) => repositoryKey(text, "/p"));
  expect(new Set(keys).size).toBe(1);
  expect(repositoryKey("../x.git", "/home/p")).toBe(repositoryKey("file:///home/x", "/elsewhere"));
  expect(repositoryKey("x", "/p")).not.toBe(repositoryKey("y", "/p"));
});
