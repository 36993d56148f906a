// Each verb: how it is called, what it says of itself, and where its file is.
import { buildCommand } from "@stricli/core";
import {
  commonAliases as aliases,
  commonFlags as common,
  many,
  maybeOne,
  one,
  quietFlags as quiet,
  switchFlag,
  withExamples,
} from "./flags.ts";
import { pipelineRoutes } from "./pipeline-routes.ts";
import { runRoutes } from "./run-routes.ts";
import { serviceRoutes } from "./service-routes.ts";
import { workloadRoutes } from "./workload-routes.ts";

export const routes = {
  init: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/init.ts")).init),
    parameters: {
      flags: common,
      aliases,
      positional: maybeOne("What to begin with: lab or job", "TEMPLATE"),
    },
    docs: {
      brief: "Begin a project: writes sesta.yaml",
      fullDescription: withExamples(
        "Asks a few questions on a terminal; with a template it asks none.",
        "init",
        "init lab -C notebooks",
        "init job",
      ),
    },
  }),
  doctor: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/doctor.ts")).doctor),
    parameters: { flags: quiet, aliases },
    docs: {
      brief: "Look for what is missing or wrong, each with the one command that mends it",
      fullDescription: withExamples(
        "Mends nothing by itself. Ends with 1 when something must be mended.",
        "doctor",
        "doctor --json",
      ),
    },
  }),
  plan: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/plan.ts")).plan),
    parameters: { flags: quiet, aliases, positional: many("Workloads; all when none is named") },
    docs: {
      customUsage: ["[NAME]..."],
      brief: "Show what `up` would do",
      fullDescription: withExamples("Reads only.", "plan", "plan notebook --json"),
    },
  }),
  up: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/up.ts")).up),
    parameters: {
      flags: { ...common, wake: switchFlag("Wake what was brought up, and wait until it answers") },
      aliases,
      positional: many("Workloads; all when none is named"),
    },
    docs: {
      customUsage: ["[NAME]..."],
      brief: "Bring workloads up, asleep and ready to be woken",
      fullDescription: withExamples(
        "Shows the plan and asks. What is up already and unchanged is left alone. Without names, what is on a host that is away is left out; then it ends with 1.",
        "up",
        "up notebook --wake -y",
      ),
    },
  }),
  status: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/status.ts")).status),
    parameters: {
      flags: { ...quiet, watch: switchFlag("Go on until Ctrl-C") },
      aliases: { ...aliases, w: "watch" },
    },
    docs: {
      brief: "Show every workload and its state",
      fullDescription: withExamples(
        "Asks the machines themselves; no gateway is needed.",
        "status",
        "status --watch",
        "status --json",
      ),
    },
  }),
  ...workloadRoutes,
  ...runRoutes,
  ...serviceRoutes,
  ...pipelineRoutes,
  history: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/history.ts")).history),
    parameters: { flags: quiet, aliases, positional: maybeOne("The workload; all when none is named") },
    docs: {
      brief: "Show every change of state, with its reason",
      fullDescription: withExamples(
        "Oldest first; it outlives `down`. With --json also when it was in use, and by what.",
        "history",
        "history notebook --json",
      ),
    },
  }),
  down: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/down.ts")).down),
    parameters: {
      flags: {
        ...common,
        forget: switchFlag(
          "Only strike it from this project's record: its host is gone for good, and what is there stays there",
        ),
      },
      aliases,
      positional: many("Workloads; all, and the gateway, when none is named"),
    },
    docs: {
      customUsage: ["[NAME]..."],
      brief: "Take away what `up` made; notebooks stay",
      fullDescription: withExamples(
        "Shows what will go, asks, and ends in a receipt of what is gone and what remains. Without names, what is on a host that is away is left out; then it ends with 1.",
        "down notebook",
        "down notebook --forget",
        "down -y",
      ),
    },
  }),
  gateway: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/gateway.ts")).gateway),
    parameters: {
      flags: { ...common, background: { ...switchFlag("Started by `up`"), hidden: true } },
      aliases,
      positional: maybeOne(
        "install: start with your session, so that an address still wakes after a reboot; uninstall",
        "ACTION",
      ),
    },
    docs: {
      brief: "Run the gateway here, or have it start with your session",
      fullDescription: withExamples(
        "`up` starts one in the background; this one ends with Ctrl-C.",
        "gateway",
        "gateway install",
        "gateway uninstall",
      ),
    },
  }),
  completion: buildCommand({
    loader: async () =>
      (await import("./session.ts")).runVerb((await import("./verbs/completion.ts")).completion),
    parameters: { flags: quiet, aliases, positional: one("bash, zsh or fish", "SHELL") },
    docs: {
      brief: "Print the completion script of a shell",
      fullDescription: withExamples(
        "Load it from the shell's own start file.",
        "completion bash > ~/.local/share/bash-completion/completions/sesta",
        "completion zsh > ~/.zfunc/_sesta",
      ),
    },
  }),
};
