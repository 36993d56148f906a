// The section of a service as a launch: what one replica runs, and the rule of the balancer before all of them.
import { anyPython } from "../../commands/uv.ts";
import type { Domain, Launch, ServiceContainer } from "../../model/launch.ts";
import type { ServiceSection, ServiceSource } from "../../model/project.ts";
import { template, type Template } from "../../model/template.ts";
import { buildEnv } from "../build-env.ts";

/** What is known only once somebody deploys it. */
export type ServiceParts = {
  port: number;
  tokenDigest: string | null;
  /** Lines of the requirements file. */
  requirements: readonly string[];
  /** The image by its digest; null where none runs. */
  container: ServiceContainer | null;
  /** What serves a model, instead of a command. */
  modelServer: readonly string[] | null;
  tls: string | null;
};

export function buildServiceLaunch(section: ServiceSection, parts: ServiceParts): Launch {
  const { name, source, python, health, replicas, host, idleMs, stopMs, password } = section;
  const { port, tokenDigest, requirements, container, modelServer, tls } = parts;
  return {
    name,
    type: "service",
    title: name,
    ...(python && {
      environment: {
        python: python.version ?? anyPython,
        locked: "",
        packages: python.packages,
        requirements,
      },
    }),
    process: {
      argv: buildArgv(source, python !== undefined, modelServer),
      env: { ...buildEnv(section.env), PORT: template`${{ place: "port" }}` },
      files: {},
      startTimeoutMs: health.startMs,
      stopGraceMs: stopMs,
    },
    door: { home: "/", healthPath: health.path, port, ...(password === undefined ? {} : { password }) },
    idle: { idleMs, maxAwakeMs: null, evidence: "none" },
    workspace: "",
    service: {
      replicas,
      listen: { host, port },
      tokenDigest,
      health,
      holdMs: section.holdMs,
      drainMs: section.drainMs,
      responseMs: section.responseMs,
      maxBodyBytes: section.maxBodyBytes,
      repeatsAll: section.repeatsAll,
      metricsPath: section.metricsPath,
      memoryBytes: section.memoryBytes,
      cpus: section.cpus,
      container,
      tls,
      domain: buildDomain(section),
    },
  };
}

function buildDomain({ domain, acme }: ServiceSection): Domain | null {
  if (domain === undefined) return null;
  return { name: domain, acme: acme ? { ...acme, program: [] } : null };
}

function buildArgv(
  source: ServiceSource,
  hasPython: boolean,
  modelServer: readonly string[] | null,
): readonly Template[] {
  if (source.kind === "command") return buildCommand(source.command, hasPython);
  return modelServer?.map((part) => [part]) ?? [];
}

/** The user's script is one argument; its environment's programs come first. */
function buildCommand(command: string, hasPython: boolean): Template[] {
  if (!hasPython) return [["sh"], ["-c"], [command]];
  const script = 'PATH="$0/bin:$PATH"; VIRTUAL_ENV="$0"; export PATH VIRTUAL_ENV; exec sh -c "$1"';
  return [["sh"], ["-c"], [script], template`${{ place: "environment" }}`, [command]];
}
