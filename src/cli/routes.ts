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
  helpOf,
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
      positional: maybeOne("What to begin with: lab, job or service", "TEMPLATE"),
    },
    docs: {
      ...helpOf(
        "Begin a project: writes sesta.yaml",
        "Asks a few questions on a terminal; with a template it asks none.",
        "init",
        "init lab -C notebooks",
        "init service",
      ),
    },
  }),
  doctor: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/doctor.ts")).doctor),
    parameters: { flags: quiet, aliases },
    docs: {
      ...helpOf(
        "Look for what is missing or wrong, each with the one command that mends it",
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
      ...helpOf("Show what `up` would do", "Reads only.", "plan", "plan notebook --json"),
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
      ...helpOf(
        "Bring workloads up, asleep and ready to be woken",
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
      ...helpOf(
        "Show every workload and its state",
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
      ...helpOf(
        "Show every change of state, with its reason",
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
        discardData: switchFlag("Lose what a tracker holds, without a last backup; asks for its name"),
      },
      aliases,
      positional: many("Workloads; all, and the gateway, when none is named"),
    },
    docs: {
      customUsage: ["[NAME]..."],
      ...helpOf(
        "Take away what `up` made; notebooks stay",
        "Shows what will go, asks, and ends in a receipt of what is gone and what remains. A tracker is backed up first, and stays up where that fails. Without names, what is on a host that is away is left out; then it ends with 1.",
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
      ...helpOf(
        "Run the gateway here, or have it start with your session",
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
      ...helpOf(
        "Print the completion script of a shell",
        "Load it from the shell's own start file.",
        "completion bash > ~/.local/share/bash-completion/completions/sesta",
        "completion zsh > ~/.zfunc/_sesta",
      ),
    },
  }),
};
