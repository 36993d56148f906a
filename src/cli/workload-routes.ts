// The verbs that are about one workload: how each is called, what it says of itself, and where its file is.
import { buildCommand } from "@stricli/core";
import {
  commonAliases as aliases,
  commonFlags as common,
  countFlag,
  maybeOne,
  one,
  quietFlags as quiet,
  switchFlag,
  textFlag,
  helpOf,
} from "./flags.ts";

const lines = countFlag("200", "How many of the last lines");

export const workloadRoutes = {
  why: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/why.ts")).why),
    parameters: { flags: quiet, aliases, positional: one("The workload") },
    docs: {
      ...helpOf(
        "Say why a workload is in its state",
        "With the last use that was seen, when it would sleep, what keeps it awake, and how far its saves are.",
        "why notebook",
      ),
    },
  }),
  open: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/open.ts")).open),
    parameters: {
      flags: { ...quiet, print: switchFlag("Print the address instead of starting a browser") },
      aliases,
      positional: maybeOne("The workload; the project's page when none is named"),
    },
    docs: {
      ...helpOf(
        "Open a workload in your browser, logged in as the owner",
        "The address is good once, for a minute; a service's is its own.",
        "open notebook",
        "open --print",
      ),
    },
  }),
  wake: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/wake.ts")).wake),
    parameters: { flags: quiet, aliases, positional: one("The workload") },
    docs: {
      ...helpOf(
        "Wake a workload and wait until it answers",
        "Also tries again after a failed start.",
        "wake notebook",
      ),
    },
  }),
  sleep: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/sleep.ts")).sleep),
    parameters: { flags: quiet, aliases, positional: one("The workload") },
    docs: {
      ...helpOf(
        "Put a workload to sleep",
        "Saves its files, then ends what runs in it. Opening it meanwhile wakes it again: then it ends with 1.",
        "sleep notebook",
      ),
    },
  }),
  awake: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/awake.ts")).awake),
    parameters: {
      flags: {
        ...quiet,
        for: textFlag("How long from now, such as 3h; wakes it first", "DURATION"),
        reason: textFlag("Kept in the record, and shown by `why`", "TEXT"),
        untilIdle: switchFlag("Let go: it sleeps again when nobody uses it"),
      },
      aliases,
      positional: one("The workload"),
    },
    docs: {
      ...helpOf(
        "Keep a workload awake for a time, or let go of it",
        "Holds it whatever its idle time; only max_awake ends it earlier.",
        'awake notebook --for 3h --reason "training over lunch"',
        "awake notebook --until-idle",
      ),
    },
  }),
  save: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/save.ts")).save),
    parameters: {
      flags: {
        ...common,
        onto: textFlag("Bring saves that went aside back to this branch; shows what differs first", "BRANCH"),
      },
      aliases,
      positional: one("The workload"),
    },
    docs: {
      ...helpOf(
        "Save the files now, and wait until the repository has confirmed it",
        "Files save themselves; this is for when you want to be sure. Ends with 1 when it was not confirmed.",
        "save notebook",
        "save notebook --onto main",
      ),
    },
  }),
  restore: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/restore.ts")).restore),
    parameters: {
      flags: {
        ...common,
        at: textFlag('A commit, a time such as "2026-11-20 14:00", or how long ago: 2h', "WHEN"),
        to: textFlag("A new folder to write to; without it the workspace itself", "DIR"),
        from: textFlag("Of a tracker: the backup; without it the newest in its folder", "FILE"),
      },
      aliases,
      positional: one("The workload"),
    },
    docs: {
      ...helpOf(
        "Bring saved files back, or a tracker's backup",
        "Shows what it would write, and asks before it writes over the workspace. Files that the save does not have stay. What a tracker held is backed up first.",
        "restore notebook --at 2h --to before",
        'restore notebook --at "2026-11-20 14:00"',
        "restore tracking --from backups/tracking/tracking-20261120T140000Z.tar",
      ),
    },
  }),
  backup: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/backup.ts")).backup),
    parameters: { flags: quiet, aliases, positional: one("The tracker") },
    docs: {
      ...helpOf(
        "Back a tracker up now",
        "Its database and artifacts as one file, tried out by making a database of it. Also while it sleeps.",
        "backup tracking",
      ),
    },
  }),
  logs: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/logs.ts")).logs),
    parameters: {
      flags: { ...quiet, follow: switchFlag("Go on until Ctrl-C, or until the run is over"), lines },
      aliases: { ...aliases, f: "follow", n: "lines" },
      positional: one("The workload, or a run; a job's name is its latest"),
    },
    docs: {
      ...helpOf(
        "Show what a workload or a run printed",
        "Also while it sleeps, and after it ended.",
        "logs notebook",
        "logs notebook -f -n 20",
        "logs train-7-k3f9 -f",
      ),
    },
  }),
};
