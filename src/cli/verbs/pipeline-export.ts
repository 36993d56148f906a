// `sesta pipeline export github`: writes workflows, and says what must be set for them.
import { relative } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { getPipeline } from "../../operations/pipelines/find-pipeline.ts";
import type { Verb } from "../session.ts";
import { formatTable } from "../terminal.ts";

type Flags = {
  storedKeys?: boolean | undefined;
  check?: boolean | undefined;
  force?: boolean | undefined;
};

export const exportPipeline: Verb<Flags, [string, string?]> = async (session, flags, to, name) => {
  if (to !== "github")
    throw new SestaError("USAGE", `"${to}" is nothing that a pipeline can be written as`, {
      hint: "sesta pipeline export github",
    });
  const { storedKeys = false, check = false, force = false } = flags;
  const context = await session.open();
  const pipeline = getPipeline(context.project, name);
  const { exportToGithub } = await import("../../operations/pipelines/export.ts"); // writes YAML
  const { files, settings, notes } = await exportToGithub(context, { pipeline, storedKeys, check, force });
  const differs = files.some(({ state }) => state === "differs");
  if (differs) session.exitCode = 1;
  if (flags.json) return session.json({ pipeline: pipeline.name, files, settings, notes });
  const { out, err, paint } = session.terminal;
  const show = (path: string) => {
    const shown = relative(".", path);
    return shown.startsWith("..") ? path : shown;
  };
  out(formatTable(files.map(({ path, state }) => [show(path), paint("dim", state)])));
  for (const note of notes) err(`${paint("yellow", "!")} ${note}\n`);
  if (differs) err(`${paint("cyan", "try")}: sesta pipeline export github ${pipeline.name}\n`);
  if (settings.length === 0 || check) return;
  err("To set in the repository (Settings, Secrets and variables, Actions):\n");
  err(formatTable(settings.map(({ kind, name: key, what }) => [`  ${kind}`, key, paint("dim", what)])));
};
