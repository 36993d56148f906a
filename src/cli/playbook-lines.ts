// Shows a playbook while it runs: a line for each task and machine, in Ansible's own words for how it went.
import type { PlaybookEvent, TaskState } from "../commands/ansible-lines.ts";
import type { PlaybookWatch } from "../operations/playbook/place.ts";
import type { Reporter } from "./progress.ts";
import type { Terminal } from "./terminal.ts";

const styles = {
  ok: "green",
  changed: "yellow",
  failed: "red",
  skipped: "dim",
  unreachable: "red",
} as const satisfies Record<TaskState, string>;

export function createPlaybookWatch({ err, paint }: Terminal, reporter: Reporter): PlaybookWatch {
  return {
    onEvent(event: PlaybookEvent) {
      switch (event.kind) {
        case "play":
          reporter.clear();
          return err(`${paint("bold", event.play)}\n`);
        case "no-hosts":
          return err(`${paint("yellow", "!")} ${event.play}: no machine fits it\n`);
        case "task":
          return reporter.show(event.task);
        case "waiting":
          return reporter.show(`${event.task} on ${event.host} ${event.message}`);
        case "result": {
          reporter.clear();
          const bad = event.state === "failed" || event.state === "unreachable";
          const state = `${paint(styles[event.state], event.state)}${event.ignored ? " (ignored)" : ""}`;
          return err(
            `  ${event.task}  ${paint("dim", event.host)}  ${state}${bad ? `: ${event.message}` : ""}\n`,
          );
        }
        case "item":
        case "end":
          return undefined;
        case "line":
          return reporter.show(event.text);
      }
    },
    onNotice(text) {
      reporter.clear();
      err(`${paint("yellow", "!")} ${text}\n`);
    },
    detail: (text) => reporter.show(text),
  };
}
