// The verbs that are about releases of a service: how each is called, what it says of itself, and where its file is.
import { buildCommand } from "@stricli/core";
import {
  commonAliases as aliases,
  commonFlags as common,
  one,
  oneAndMaybe,
  quietFlags as quiet,
  switchFlag,
  helpOf,
} from "./flags.ts";

export const serviceRoutes = {
  deploy: buildCommand({
    loader: async () => (await import("./session.ts")).runVerb((await import("./verbs/deploy.ts")).deploy),
    parameters: {
      flags: {
        ...common,
        again: switchFlag("Also where nothing has changed since the release that is live"),
        unvalidated: switchFlag("Also what no pipeline has validated, or what did not pass"),
      },
      aliases,
      positional: one("The service", "SERVICE"),
    },
    docs: {
      ...helpOf(
        "Make a release of a service, and switch to it when it is well",
        "Starts the new replicas beside the old ones, moves requests over when they answer, lets the old ones end. One that does not become healthy changes nothing.",
        "deploy iris",
        "deploy iris -y --json",
      ),
    },
  }),
  rollback: buildCommand({
    loader: async () =>
      (await import("./session.ts")).runVerb((await import("./verbs/rollback.ts")).rollback),
    parameters: {
      flags: common,
      aliases,
      positional: oneAndMaybe(
        ["The service", "SERVICE"],
        ["The release; the one before without it", "NUMBER"],
      ),
    },
    docs: {
      customUsage: ["SERVICE [NUMBER]"],
      ...helpOf(
        "Go back to an earlier release, without a build",
        "The last five can be gone back to.",
        "rollback iris",
        "rollback iris 3 -y",
      ),
    },
  }),
  releases: buildCommand({
    loader: async () =>
      (await import("./session.ts")).runVerb((await import("./verbs/releases.ts")).releases),
    parameters: { flags: quiet, aliases, positional: one("The service", "SERVICE") },
    docs: {
      ...helpOf(
        "List the releases of a service",
        "Newest first, with who made it and its figures.",
        "releases iris",
        "releases iris --json",
      ),
    },
  }),
};
