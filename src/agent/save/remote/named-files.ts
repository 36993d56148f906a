// Which files a remote named when it refused a push.
import { listRemoteLines } from "./remote-words.ts";

/**
 * @param pushed object ids by path of what was pushed; without it whatever looks like a path counts
 * @returns paths, each once
 */
export function findNamedFiles(stderr: string, pushed?: ReadonlyMap<string, string>): string[] {
  const lines = listRemoteLines(stderr);
  const named = [...findWorded(lines), ...findObjects(lines, pushed)];
  const known = pushed ? named.filter((path) => pushed.has(path)) : named;
  return [...new Set(known.length > 0 || !pushed ? known : findMentioned(lines, pushed))];
}

/** The wordings of GitHub (GH001, GH013, workflow scope) and GitLab (push rules, secret push protection). */
const wordings = [
  /\bFile (.+) is [\d.]+ ?[KMGT]?i?B; this exceeds/,
  /^(?:-\s*)?path: (.+?)(?::\d+)?$/,
  /^-- (.+?):\d+(?:\s|$)/,
  /\bcreate or update workflow `([^`]+)`/,
  /\bFile "(.+?)" is larger than the allowed size/,
  /\bFile name "?(.+?)"? was (?:prohibited|blacklisted) by/,
];

function findWorded(lines: readonly string[]): string[] {
  return lines.flatMap((line) => wordings.flatMap((wording) => wording.exec(line)?.[1] ?? []));
}

/** GitLab's size limit and git's fsck name objects ("- OID (123 MiB)", "object OID: gitmodulesUrl: …"). */
function findObjects(lines: readonly string[], pushed: ReadonlyMap<string, string> | undefined): string[] {
  const ids = new Set(lines.flatMap((line) => line.match(/\b[0-9a-f]{40}(?:[0-9a-f]{24})?\b/g) ?? []));
  if (!pushed || ids.size === 0) return [];
  return [...pushed].flatMap(([path, oid]) => (ids.has(oid) ? [path] : []));
}

/** A hook with words of its own: a pushed path that stands by itself, and that is no ordinary word. */
function findMentioned(lines: readonly string[], pushed: ReadonlyMap<string, string>): string[] {
  const text = lines.filter((line) => !/https?:\/\//.test(line)).join("\n");
  const bare = new Set(
    text.split(/[\s'"`<>()[\],;]+/).map((word) => word.replace(/(?:[:.!?]|:\d+(?::\d+)?)+$/, "")),
  );
  const quoted = new Set([...text.matchAll(/(['"`])(.+?)\1/g)].map((match) => match[2] ?? ""));
  const spaced = (path: string) => path.includes(" ") && text.includes(path);
  return [...pushed.keys()].filter(
    (path) => quoted.has(path) || (/[./]/.test(path) && (bare.has(path) || spaced(path))),
  );
}
