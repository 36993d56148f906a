// Fills in the defaults of a service.
import type { ServiceSection, ServiceSource } from "../model/project.ts";
import type { ProjectFile } from "./schema.ts";
import { defaultHealth } from "./service-fields.ts";

type ServiceFile = Extract<NonNullable<ProjectFile["workloads"]>[string], { type: "service" }>;

export const serviceDefaults = {
  host: "127.0.0.1",
  holdMs: 30_000,
  drainMs: 30_000,
  stopMs: 10_000,
  responseMs: 60_000,
  maxBodyBytes: 100 * 1024 ** 2,
  metricsPath: "/metrics",
} as const;

export const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
/** Where a domain is reached unless the file says otherwise. */
export const ofDomain = { host: "0.0.0.0", port: 443, challengePort: 80 } as const;

/** @param target of workloads that name none */
export function resolveService(service: ServiceFile, name: string, target: string): ServiceSection {
  const { python, app_port: appPort, password, auth, domain } = service;
  const port = service.port ?? (domain === undefined ? undefined : ofDomain.port);
  return {
    type: "service",
    name,
    target: service.target ?? target,
    source: resolveSource(service),
    env: service.env ?? {},
    replicas: service.replicas ?? 1,
    host: service.host ?? (domain === undefined ? serviceDefaults.host : ofDomain.host),
    health: service.health ?? defaultHealth,
    memoryBytes: service.memory ?? null,
    cpus: service.cpus ?? null,
    idleMs: service.idle ?? null,
    holdMs: service.hold ?? serviceDefaults.holdMs,
    drainMs: service.drain ?? serviceDefaults.drainMs,
    stopMs: service.stop ?? serviceDefaults.stopMs,
    responseMs: service.response ?? serviceDefaults.responseMs,
    maxBodyBytes: service.max_body ?? serviceDefaults.maxBodyBytes,
    repeatsAll: service.retry === undefined ? service.model !== undefined : service.retry === "all",
    metricsPath: service.metrics === undefined ? serviceDefaults.metricsPath : service.metrics,
    ...(python === undefined ? {} : { python }),
    ...(port === undefined ? {} : { port }),
    ...(appPort === undefined ? {} : { appPort }),
    ...(password === undefined || auth === "none" ? {} : { password }),
    ...resolveCertificate(service),
  };
}

function resolveCertificate({
  domain,
  certificate = {},
}: ServiceFile): Pick<ServiceSection, "domain" | "certificate" | "acme"> {
  const { cert, key, acme = letsEncrypt, email = null, port = ofDomain.challengePort } = certificate;
  const files = cert !== undefined && key !== undefined ? { certificate: { cert, key } } : undefined;
  if (domain === undefined) return files ?? {};
  return { domain, ...(files ?? { acme: { directory: acme, email, port } }) };
}

/** The schema asks for exactly one of them. */
function resolveSource({ command, build, image, model, rows }: ServiceFile): ServiceSource {
  if (command !== undefined) return { kind: "command", command };
  if (build !== undefined) return { kind: "build", folder: build };
  if (image !== undefined) return { kind: "image", image };
  return { kind: "model", file: model ?? "", ...(rows === undefined ? {} : { rows }) };
}
