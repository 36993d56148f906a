// Real git remotes for tests: a bare repository reached by path, by `git daemon`, or over HTTP with a token.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import {
  createServer as createHttp,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { until } from "../faults/support/processes.ts";

export type GitRemote = {
  /** What `save: { repo }` names. */
  url: string;
  /** The bare repository, for looking at what arrived. */
  folder: string;
  /** Git in the bare repository; what it printed, without the last line end. */
  git: (...operands: string[]) => string;
  /** The tip of a branch, undefined when there is none. */
  tip: (branch: string) => string | undefined;
  /** An executable script; null takes it away. */
  hook: (name: "pre-receive" | "update" | "post-receive", script: string | null) => void;
  /** Another user's work: clones, writes the files (null deletes), commits and pushes. The new tip. */
  pushElsewhere: (branch: string, files: Record<string, string | null>) => string;
  stop: () => Promise<void>;
  start: () => Promise<void>;
  /** Of the HTTP remote: which tokens may come in from now on. */
  allow: (...tokens: string[]) => void;
};

export type RemoteKind = "path" | "daemon" | "http";

/** @param root a scratch folder. Whoever creates one stops it. */
export async function createGitRemote(
  kind: RemoteKind,
  root: string,
  ...tokens: string[]
): Promise<GitRemote> {
  const folder = join(root, "remote", "saves.git");
  mkdirSync(dirname(folder), { recursive: true });
  runGit(root, "init", "--quiet", "--bare", "--initial-branch=main", folder);
  runGit(folder, "config", "http.receivepack", "true");
  const allowed = new Set(tokens);
  const server = await servers[kind](folder, allowed);
  await server.start();
  return {
    url: server.url,
    folder,
    git: (...operands) => runGit(folder, ...operands),
    tip: (branch) => {
      const ran = spawnSync("git", ["rev-parse", "--verify", "--quiet", `refs/heads/${branch}`], {
        cwd: folder,
        encoding: "utf8",
      });
      return ran.status === 0 ? ran.stdout.trim() : undefined;
    },
    hook(name, script) {
      const path = join(folder, "hooks", name);
      mkdirSync(dirname(path), { recursive: true });
      rmSync(path, { force: true });
      if (script === null) return;
      writeFileSync(path, `#!/bin/sh\n${script}\n`);
      chmodSync(path, 0o755);
    },
    pushElsewhere: (branch, files) => pushElsewhere(join(root, "elsewhere"), folder, branch, files),
    stop: server.stop,
    start: server.start,
    allow(...next) {
      allowed.clear();
      for (const token of next) allowed.add(token);
    },
  };
}

/** @returns what it printed. Nothing of the machine's own configuration takes part. */
export function runGit(cwd: string, ...operands: string[]): string {
  const ran = spawnSync("git", operands, {
    cwd,
    encoding: "utf8",
    env: plainEnv(),
    maxBuffer: 256 * 1024 * 1024,
  });
  if (ran.status !== 0) throw new Error(`git ${operands.join(" ")} failed in ${cwd}: ${ran.stderr}`);
  return ran.stdout.replace(/\n$/, "");
}

function plainEnv(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("GIT_"));
  const person = { NAME: "Somebody", EMAIL: "somebody@example.org" };
  const names = Object.entries(person).flatMap(([name, value]) => [
    [`GIT_AUTHOR_${name}`, value],
    [`GIT_COMMITTER_${name}`, value],
  ]);
  return {
    ...Object.fromEntries([...own, ...names]),
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_CONFIG_NOSYSTEM: "1",
  };
}

type RemoteServer = { url: string; start: () => Promise<void>; stop: () => Promise<void> };

const servers: Record<RemoteKind, (folder: string, allowed: ReadonlySet<string>) => Promise<RemoteServer>> = {
  path: async (folder) => servePath(folder),
  daemon: serveDaemon,
  http: serveHttp,
};

/** "Down" is a folder that is not there, as a disk that is not mounted. */
function servePath(folder: string): RemoteServer {
  const move = (from: string, to: string) => async () => void spawnSync("mv", ["-T", from, to]);
  return { url: folder, start: move(`${folder}.down`, folder), stop: move(folder, `${folder}.down`) };
}

async function serveDaemon(folder: string): Promise<RemoteServer> {
  const port = await findPort();
  let daemon: ChildProcess | undefined;
  return {
    url: `git://127.0.0.1:${port}/saves.git`,
    async start() {
      const base = dirname(folder);
      const operands = [
        "daemon",
        "--reuseaddr",
        "--listen=127.0.0.1",
        `--port=${port}`,
        `--base-path=${base}`,
      ];
      const child = spawn("git", [...operands, "--export-all", "--enable=receive-pack", base], {
        detached: true,
        stdio: "ignore",
        env: plainEnv(),
      });
      daemon = child;
      await until(() => answers(port), "git daemon does not answer");
    },
    async stop() {
      const ending = daemon;
      daemon = undefined;
      if (!ending?.pid || ending.exitCode !== null) return;
      const ended = new Promise((resolve) => ending.once("exit", resolve));
      process.kill(-ending.pid, "SIGKILL"); // with those that serve a connection
      await ended;
      await until(async () => !(await answers(port)), "git daemon still answers");
    },
  };
}

async function serveHttp(folder: string, allowed: ReadonlySet<string>): Promise<RemoteServer> {
  let port = 0;
  let server: Server | undefined;
  const start = async () => {
    const next = createHttp((request, response) => serveRequest(folder, allowed, request, response));
    server = next;
    await new Promise<void>((resolve) => void next.listen(port, "127.0.0.1", resolve));
    const address = next.address();
    port = typeof address === "object" && address ? address.port : 0;
  };
  const stop = async () => {
    const ending = server;
    server = undefined;
    ending?.closeAllConnections();
    await new Promise<void>((resolve) => (ending ? void ending.close(() => resolve()) : resolve()));
  };
  await start();
  await stop();
  return { url: `http://127.0.0.1:${port}/saves.git`, start, stop };
}

/** Git's own server side (git-http-backend(1)) behind basic authentication, as GitHub takes tokens. */
function serveRequest(
  folder: string,
  allowed: ReadonlySet<string>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const basic = /^Basic (.+)$/.exec(request.headers.authorization ?? "")?.[1] ?? "";
  const token = Buffer.from(basic, "base64")
    .toString()
    .replace(/^[^:]*:/, "");
  if (allowed.size > 0 && !allowed.has(token)) {
    response
      .writeHead(401, { "WWW-Authenticate": 'Basic realm="saves"' })
      .end("Invalid username or token.\n");
    return;
  }
  const url = new URL(request.url ?? "/", "http://localhost");
  const backend = spawn("git", ["http-backend"], {
    env: {
      ...plainEnv(),
      GIT_PROJECT_ROOT: dirname(folder),
      GIT_HTTP_EXPORT_ALL: "1",
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? "GET",
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      REMOTE_USER: "somebody",
      REMOTE_ADDR: "127.0.0.1",
      GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"] ?? "",
      ...(request.headers["content-length"] !== undefined && {
        CONTENT_LENGTH: request.headers["content-length"],
      }),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  request.pipe(backend.stdin.on("error", () => undefined));
  let head: Buffer | undefined = Buffer.alloc(0);
  backend.stdout.on("data", (part: Buffer) => {
    if (!head) return void response.write(part);
    head = Buffer.concat([head, part]);
    const end = head.indexOf("\r\n\r\n");
    if (end < 0) return;
    const fields = head
      .subarray(0, end)
      .toString("latin1")
      .split("\r\n")
      .map((line) => line.split(/:\s*/));
    const status = fields.find(([name]) => name?.toLowerCase() === "status")?.[1] ?? "200";
    response.writeHead(
      Number.parseInt(status, 10),
      Object.fromEntries(
        fields
          .filter(([name]) => name?.toLowerCase() !== "status")
          .map(([name, ...value]) => [name, value.join(":")]),
      ),
    );
    response.write(head.subarray(end + 4));
    head = undefined;
  });
  backend.stdout.on("end", () => response.end());
  response.on("close", () => void backend.kill("SIGTERM"));
}

function pushElsewhere(
  clone: string,
  remote: string,
  branch: string,
  files: Record<string, string | null>,
): string {
  rmSync(clone, { recursive: true, force: true });
  runGit(dirname(clone), "init", "--quiet", clone);
  const known = runGit(dirname(clone), "ls-remote", remote, `refs/heads/${branch}`) !== "";
  if (known) runGit(clone, "fetch", "--quiet", remote, branch);
  if (known) runGit(clone, "checkout", "--quiet", "--detach", "FETCH_HEAD");
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    if (content === null) rmSync(join(clone, path));
    else writeFileSync(join(clone, path), content);
  }
  runGit(clone, "add", "--all", "--force");
  runGit(clone, "commit", "--quiet", "--allow-empty", "--message", "elsewhere");
  runGit(clone, "push", "--quiet", remote, `HEAD:refs/heads/${branch}`);
  return runGit(clone, "rev-parse", "HEAD");
}

function findPort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const answer = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once("connect", () => answer(true)).once("error", () => answer(false));
  });
}
