// Why a playbook ended as it did, in one error with its host and task and one thing to do.
import { basename } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { redact } from "../../base/redact.ts";
import { refusesPython } from "../../commands/ansible.ts";
import { oneLine, type PlaybookEvent } from "../../commands/ansible-lines.ts";

type Result = Extract<PlaybookEvent, { kind: "result" | "item" | "waiting" }>;

/** What was seen while it ran. */
export type Seen = { playbook: string; exitCode: number; events: readonly PlaybookEvent[]; stderr: string };

/** Undefined when it did what it says. */
export function findFailure(seen: Seen): SestaError | undefined {
  const { playbook, exitCode, events } = seen;
  const results = events.filter((event): event is Result => event.kind === "result" || event.kind === "item");
  if (exitCode === 0) return findEmpty(playbook, events, results);
  const unreachable = results.findLast(({ state }) => state === "unreachable");
  const failed = results.findLast(
    ({ kind, state, ignored }) => kind === "result" && state === "failed" && !ignored,
  );
  if (failed) return explainTask(playbook, failed, results);
  if (unreachable) return explainUnreachable(unreachable);
  return new SestaError("PLAYBOOK_FAILED", `Ansible could not run the playbook (exit code ${exitCode})`, {
    where: playbook,
    problems: listErrors(seen),
    hint: `Mend ${basename(playbook)}, then run it again.`,
  });
}

/** Of the result of a loop, which says only that there was one. */
export function findPythonRefusal(events: readonly PlaybookEvent[]): Result | undefined {
  return events.find(
    (event): event is Result =>
      event.kind === "result" && event.state === "failed" && refusesPython(event.message),
  );
}

function explainTask(playbook: string, failed: Result, results: readonly Result[]): SestaError {
  const { host, task, exitCode } = failed;
  const item = results.findLast(
    (one) => one.kind === "item" && one.state === "failed" && one.host === host && one.task === task,
  );
  const message = redact((item ?? failed).message) || `exit code ${exitCode ?? "unknown"}`;
  return new SestaError("PLAYBOOK_FAILED", message, {
    where: `${host}, task "${redact(task)}"`,
    hint: hintFor(playbook, message),
  });
}

function hintFor(playbook: string, message: string): string {
  if (/sudo password|password is required|sudo: a password/i.test(message))
    return "The task needs root: let the user run sudo without a password, or set ANSIBLE_BECOME_PASS in vars.sh.";
  if (refusesPython(message)) return "Install Python 3.6 or later on that machine.";
  return `Mend it in ${basename(playbook)} or on the machine, then run it again: what was done already stays done.`;
}

function explainUnreachable({ host, message }: Result): SestaError {
  const why = redact(message.replace(/^(?:Failed to connect to the host via ssh|Task failed): /, ""));
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|Host key for .* has changed/i.test(message))
    return new SestaError("HOST_KEY_CHANGED", "it shows another key than the one that was pinned", {
      where: host,
      hint: "If the machine was made anew, take its line out of .sesta/known_hosts; if not, somebody may be in between.",
    });
  if (/Host key verification failed|No \S+ host key is known/i.test(message))
    return new SestaError("HOST_KEY_UNKNOWN", "its key has not been confirmed yet", {
      where: host,
      hint: "Add -y to accept it and pin it.",
    });
  return new SestaError("SSH_CONNECTION", `it could not be reached: ${why}`, {
    where: host,
    hint: /Permission denied/i.test(message)
      ? "Check its user and key in the inventory, or put the key beside the playbook as key.pem."
      : "Check that it runs, and its address in the inventory.",
  });
}

/** A playbook whose plays mean no host ends well and has done nothing. */
function findEmpty(
  playbook: string,
  events: readonly PlaybookEvent[],
  results: readonly Result[],
): SestaError | undefined {
  const unmatched = events.find((event) => event.kind === "no-hosts");
  if (unmatched?.kind !== "no-hosts" || results.length > 0) return undefined;
  return new SestaError(
    "PLAYBOOK_FAILED",
    `its \`hosts:\` name no machine of the inventory, so nothing was done (play "${unmatched.play}")`,
    {
      where: playbook,
      hint: "Write `hosts: all`, or a name or group of the inventory.",
    },
  );
}

function listErrors({ stderr, events }: Seen): string[] {
  const lines = stderr.split("\n").map(oneLine);
  const from = lines.findIndex((line) => /^(?:ERROR!|\[ERROR\]|usage:|Traceback)/.test(line));
  const said = (from < 0 ? lines : lines.slice(from)).filter(
    (line) => line !== "" && !line.startsWith("[WARNING]"),
  );
  const printed = events.flatMap((event) => (event.kind === "line" ? [event.text] : []));
  return (said.length > 0 ? said : printed.slice(-8)).slice(0, 12).map(redact);
}
