// What a remote said, fit to be shown: without secrets, control characters and decoration.
import { redact } from "../../../base/redact.ts";

const longest = 300;

/** The lines that the remote itself wrote, without those that carry nothing. */
export function listRemoteLines(stderr: string): string[] {
  return splitLines(stderr)
    .flatMap((line) => /^remote:\s?(.*)$/.exec(line)?.[1] ?? [])
    .map((line) => line.trim())
    .filter((line) => line !== "" && !decoration.test(line));
}

/** What git and its helpers on this machine wrote. */
export function listOwnLines(stderr: string): string[] {
  return splitLines(stderr)
    .map((line) => line.trim())
    .filter(
      (line) =>
        line !== "" && !line.startsWith("remote:") && !line.startsWith("hint:") && !progress.test(line),
    );
}

/** Short, on one line; a user name or password in a URL and the token are blanked. */
export function quoteRemote(text: string, token: string | undefined): string {
  const open = token === undefined || token === "" ? text : text.replaceAll(token, "[redacted]");
  const plain = redact(open)
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/\s@'"]*@/gi, "$1")
    .replace(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
  return plain.length > longest ? `${plain.slice(0, longest - 1)}…` : plain;
}

/** Progress ends in a carriage return. */
export function splitLines(stderr: string): string[] {
  return stderr.split(/[\r\n]+/);
}

const decoration =
  /^(?:[=\-_*\u2014\u2015\s#]+|(?:error: )?Trace: \w+|(?:error: )?See https?:\S+.*|Resolving deltas:.*|Counting objects:.*|Compressing objects:.*|Total \d+ .*|Checking connectivity.*|warning: File .*)$/;

const progress =
  /^(?:Enumerating objects|Counting objects|Compressing objects|Writing objects|Receiving objects|Resolving deltas|Unpacking objects|Total \d+|Delta compression|To |Everything up-to-date|Updating references)/;
