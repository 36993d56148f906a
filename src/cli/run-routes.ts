// The verbs that are about jobs and their runs: how each is called, what it says of itself, and where its file is.
import { buildCommand } from "@stricli/core";
import {
  commonAliases as aliases,
  commonFlags as common,
  countFlag,
  maybeOne,
  one,
  quietFlags as quiet,
  sizeFlag,
  switchFlag,
  textFlag,
  helpOf,
} from "./flags.ts";

export const runRoutes = {
  run: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/run.ts")).run),
    parameters: {
      flags: {
        ...common,
        detach: switchFlag("Let it go on by itself at once, and print its id"),
        playbook: textFlag("Run this Ansible playbook instead of a job", "FILE"),
        inventory: textFlag("The playbook's inventory; without it, this machine", "FILE"),
      },
      aliases: { ...aliases, d: "detach" },
      positional: {
        kind: "array",
        parameter: {
          brief: "The job, then `--` and what its program gets",
          parse: String,
          placeholder: "JOB",
        },
      },
    },
    docs: {
      customUsage: ["JOB [-d] [-- ARGS...]", "--playbook FILE [--inventory FILE]"],
      ...helpOf(
        "Run a job: set its machine up, start it, follow it, bring its outputs home",
        "Ends with the program's own code. Ctrl-C lets go of it: it goes on, and says how to come back. What is set up already costs nothing.",
        "run train",
        "run train -- --epochs 3",
        "run train -d",
        "run --playbook configure.yaml --inventory inventory.yaml",
      ),
    },
  }),
  exec: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/exec.ts")).exec),
    parameters: {
      flags: quiet,
      aliases,
      positional: {
        kind: "array",
        parameter: {
          brief: "The workload or run, then `--` and the command",
          parse: String,
          placeholder: "NAME",
        },
      },
    },
    docs: {
      customUsage: ["NAME -- CMD..."],
      ...helpOf(
        "Run a command where a workload is",
        "In a lab's workspace, in the files of a service's live release, or in the folder of a job's latest run: in its container while that lives. Ends with the command's own code.",
        "exec notebook -- pip list",
        "exec train -- nvidia-smi",
        "exec iris -- python src/model.py",
      ),
    },
  }),
  ssh: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/exec.ts")).ssh),
    parameters: { flags: quiet, aliases, positional: one("The workload or run") },
    docs: {
      ...helpOf(
        "Open a shell where a workload is",
        "On its own machine, in its folder.",
        "ssh notebook",
        "ssh train",
      ),
    },
  }),
  runs: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/runs.ts")).runs),
    parameters: {
      flags: { ...quiet, lines: countFlag("50", "How many, at most") },
      aliases: { ...aliases, n: "lines" },
      positional: maybeOne("The job; all when none is named", "JOB"),
    },
    docs: {
      ...helpOf(
        "Show runs of jobs, newest first",
        "Asks their machines.",
        "runs",
        "runs train",
        "runs --json",
      ),
    },
  }),
  stop: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/stop.ts")).stop),
    parameters: { flags: quiet, aliases, positional: one("The run, or its job for the latest", "RUN") },
    docs: {
      ...helpOf(
        "End a run, with all that belongs to it",
        "Asks it to end (TERM); what is left after ten seconds is ended by force. Its files stay and can be fetched.",
        "stop train",
        "stop train-7-k3f9",
      ),
    },
  }),
  fetch: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/fetch.ts")).fetch),
    parameters: {
      flags: { ...quiet, limit: sizeFlag("Bring up to so much; 10 GB without it") },
      aliases,
      positional: one("The run, or its job for the latest", "RUN"),
    },
    docs: {
      ...helpOf(
        "Bring the outputs of a run home, also while it runs",
        "What an earlier run brought stays as it is.",
        "fetch train",
        "fetch train-7-k3f9 --json",
        "fetch train --limit 50GB",
      ),
    },
  }),
  eject: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/eject.ts")).eject),
    parameters: {
      flags: {
        ...common,
        ansible: switchFlag("As an Ansible playbook"),
        dnf: switchFlag("Its packages are of dnf, not of apt"),
        to: textFlag("The file; JOB.playbook.yaml beside sesta.yaml without it", "FILE"),
      },
      aliases,
      positional: one("The job", "JOB"),
    },
    docs: {
      ...helpOf(
        "Write a job as a playbook that goes on without Sesta",
        "The same steps in one file that depends on no other. Secrets are read from the environment. To open and close its run in a tracker is left out.",
        "eject train --ansible",
        "eject train --ansible --to configure.yaml",
      ),
    },
  }),
};
