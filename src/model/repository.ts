// Where a workspace is saved, as people write it: an address that git accepts, or a folder.
import { posix } from "node:path";

/** `path` is text of a local folder, perhaps relative; `file://` is one too. */
export type Repository =
  | { kind: "https" | "http" | "git" | "ssh"; host: string; path: string }
  | { kind: "path"; path: string };

/** What is wrong with it; it never repeats a part of the text, which may hold a secret. */
export type RepositoryProblem = { expected: string; help?: string };

const example = "an address like https://github.com/acme/notebooks.git, or a folder";
const withoutPassword: RepositoryProblem = {
  expected: "an address without a password or token",
  help: "name the secret that holds it: token: ${secret.git_token}",
};
const longest = 1024;
/** Prefixes of the tokens of GitHub and GitLab, and what is too long for a name of theirs (39 at GitHub). */
const likeToken = /^(?:gh[opsur]_|github_pat_|gl[a-z]{2,5}-)|^.{40}/;

export function parseRepository(text: string): Repository | RepositoryProblem {
  if (text === "" || text.length > longest || /\p{Cc}/u.test(text) || text !== text.trim())
    return { expected: example };
  if (text.includes("${")) return { expected: example, help: "${…} is not read here" };
  if (text.startsWith("-")) return { expected: example, help: "it would be an option of git" };
  // <transport>::<address> names a program to run (gitremote-helpers(7)).
  if (/^[\w+.-]*::/.test(text)) return { expected: example, help: "remote helpers (ext::, …) are not used" };
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1];
  if (scheme !== undefined) return parseAddress(scheme, text.slice(scheme.length + 3));
  // git-clone(1): scp-like when no slash stands before the first colon.
  return /^[^/]*:/.test(text) ? parseScpLike(text) : parsePath(text);
}

/** A folder is made absolute, so that it means the same wherever git is run. */
export function resolveRepository(text: string, folder: string): string {
  const found = parseRepository(text);
  return "kind" in found && found.kind === "path" && !text.startsWith("file://")
    ? posix.resolve(folder, text)
    : text;
}

/** Why a token cannot reach the repository, or undefined when it can: it is for HTTP, and only where nobody listens. */
export function tokenProblem(repository: Repository): string | undefined {
  switch (repository.kind) {
    case "https":
      return undefined;
    case "http":
      return isLoopback(repository.host)
        ? undefined
        : "the token would cross the network in clear: use https://";
    case "ssh":
      return "a token is for https://; over ssh your key is used, so leave `token` out";
    case "git":
      return "git:// carries no token: use https://";
    case "path":
      return "a folder needs no token: leave `token` out";
  }
}

/** The same text for two ways to write the same repository: https, ssh, with and without `.git`. */
export function repositoryKey(text: string, folder: string): string {
  const found = parseRepository(text);
  if (!("kind" in found)) return text;
  const bare = (path: string) => path.replace(/\/+$/, "").replace(/\.git$/, "");
  if (found.kind === "path") return bare(posix.resolve(folder, found.path));
  return `${found.host.toLowerCase()}/${bare(found.path).replace(/^\/+/, "")}`;
}

function parseAddress(scheme: string, rest: string): Repository | RepositoryProblem {
  if (scheme === "file") {
    return rest.startsWith("/")
      ? { kind: "path", path: rest }
      : { expected: "file:/// and an absolute path" };
  }
  if (scheme !== "https" && scheme !== "http" && scheme !== "ssh" && scheme !== "git") {
    return { expected: "an address that begins with https://, ssh://, git:// or file:///" };
  }
  const [authority = "", ...parts] = rest.split("/");
  const path = `/${parts.join("/")}`;
  const at = authority.lastIndexOf("@");
  const user = authority.slice(0, Math.max(at, 0));
  if (user.includes(":") || (scheme !== "ssh" && likeToken.test(user))) return withoutPassword;
  if (/[?#]/.test(rest)) return { expected: "an address without ? and #" };
  const host = authority.slice(at + 1);
  // A host that begins with a hyphen would be an option of ssh (CVE-2017-1000117).
  if (!/^(?:[A-Za-z0-9_][\w.-]*|\[[\da-fA-F:.]+\])(?::\d{1,5})?$/.test(host) || /^-|\s/.test(user)) {
    return { expected: example };
  }
  return path === "/"
    ? { expected: "an address with the path of a repository" }
    : { kind: scheme, host, path };
}

function parseScpLike(text: string): Repository | RepositoryProblem {
  if (/^[^/@]*:[^/]*@/.test(text)) return withoutPassword;
  if (/[?#]/.test(text)) return { expected: "an address without ? and #" };
  const [, user = "", host = "", path = ""] = /^(?:([^@:/]+)@)?([^@:/]+):(.+)$/.exec(text) ?? [];
  if (!/^[A-Za-z0-9_][\w.-]*$/.test(host) || /^-|\s/.test(user) || path === "" || path.startsWith("-"))
    return { expected: example };
  return { kind: "ssh", host, path };
}

function parsePath(text: string): Repository | RepositoryProblem {
  if (text.startsWith("~")) {
    return { expected: "a folder from / or from the project's folder", help: "~ is not read here" };
  }
  return { kind: "path", path: text };
}

/** 127.0.0.0/8 (RFC 1122, 3.2.1.3), ::1, and the name that only they may have (RFC 6761, 6.3). */
function isLoopback(host: string): boolean {
  return /^(?:127\.\d+\.\d+\.\d+|localhost|\[::1\])(?::\d+)?$/i.test(host);
}
