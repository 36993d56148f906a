// What a running playbook says, a line each: parsed from Sesta's own callback, and put into words that fit on one line.
import { z } from "zod";

export type TaskState = "ok" | "changed" | "failed" | "skipped" | "unreachable";

/** Every text is one line without control characters. */
export type PlaybookEvent =
  | { kind: "play" | "no-hosts"; play: string }
  | { kind: "task"; play: string; task: string }
  /** `item`: one round of a loop; the result of the whole task follows. */
  | {
      kind: "result" | "item" | "waiting";
      play: string;
      task: string;
      host: string;
      state: TaskState;
      /** Why, where there is something to say; it may be long. */
      message: string;
      /** The program's own code, where one ran. */
      exitCode: number | null;
      /** The end of what it printed on stdout. */
      output: string;
      /** The playbook goes on although it failed. */
      ignored: boolean;
    }
  | { kind: "end"; failedHosts: readonly string[]; unreachableHosts: readonly string[] }
  /** Anything else that Ansible printed. */
  | { kind: "line"; text: string };

const text = z.string().catch("");
const spoken = z.object({
  sesta: z.enum(["play", "no-hosts", "task", "result", "item", "waiting", "end"]),
  play: text,
  task: text,
  host: text,
  state: z.enum(["ok", "changed", "failed", "skipped", "unreachable"]).catch("ok"),
  msg: text,
  rc: z.number().nullish().catch(null),
  stdout: text,
  stderr: text,
  item: z.string().nullish().catch(null),
  attempts: z.number().nullish().catch(null),
  ignored: z.boolean().catch(false),
  hosts: z.record(z.string(), z.object({ failures: z.number(), unreachable: z.number() })).catch({}),
});
type Spoken = z.infer<typeof spoken>;

export function parsePlaybookLine(line: string): PlaybookEvent | undefined {
  const found = line.startsWith("{") ? spoken.safeParse(parseJson(line)).data : undefined;
  if (found) return describe(found);
  const rest = oneLine(line);
  return rest === "" ? undefined : { kind: "line", text: rest };
}

/** Names in a playbook are anybody's text: no line breaks, control or direction characters of theirs reach a terminal. */
export function oneLine(value: string): string {
  return value.replace(/[\s\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, " ").trim();
}

function describe(spoke: Spoken): PlaybookEvent {
  const { sesta: kind } = spoke;
  const [play, task, host] = [spoke.play, spoke.task, spoke.host].map(oneLine) as [string, string, string];
  switch (kind) {
    case "play":
    case "no-hosts":
      return { kind, play };
    case "task":
      return { kind, play, task };
    case "end":
      return {
        kind,
        failedHosts: hostsWith(spoke, "failures"),
        unreachableHosts: hostsWith(spoke, "unreachable"),
      };
    default: {
      const { state, rc = null, stdout, ignored } = spoke;
      const message = oneLine(messageOf(spoke));
      return { kind, play, task, host, state, message, exitCode: rc, output: oneLine(stdout), ignored };
    }
  }
}

/** Ansible says "non-zero return code" of a program; what the program itself said last is worth more. */
function messageOf({ sesta: kind, state, msg, rc, stdout, stderr, item, attempts }: Spoken): string {
  if (kind === "waiting") return typeof attempts === "number" ? `attempt ${attempts}: ${msg}` : "";
  const said = lastLines(stderr) || (state === "failed" ? lastLines(stdout) : "");
  const isProgram = state === "failed" && typeof rc === "number" && rc !== 0 && said !== "";
  const why =
    isProgram && /^(?:non-zero return code|MODULE FAILURE|Module result deserialization failed)/.test(msg)
      ? said
      : msg;
  const code = isProgram ? `exit code ${rc}: ` : "";
  return `${typeof item === "string" ? `${item}: ` : ""}${code}${why}`;
}

function lastLines(value: string): string {
  const lines = value.split("\n").map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .slice(-3)
    .join(" · ");
}

function hostsWith({ hosts }: Spoken, what: "failures" | "unreachable"): string[] {
  return Object.entries(hosts).flatMap(([name, counts]) => (counts[what] > 0 ? [oneLine(name)] : []));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
