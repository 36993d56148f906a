// What the wake function of a cloud is told through its variables; no secret is among it.
import { SestaError } from "../base/errors.ts";

export type WakeSettings = {
  workload: string;
  /** "Jupyter Lab". */
  title: string;
  /** Path where people land: "/lab". */
  home: string;
  idleMs: number | null;
  /** Where the front door of the machine listens, with TLS. */
  port: number;
  /** Its name; null: the machine's own, which changes with every start. */
  domain: string | null;
  /** From `hashPassword`. */
  passwordHash: string;
  /** Ed25519 public key whose other half the machine has: SubjectPublicKeyInfo in base64. */
  readyKey: string;
  /** Who may ask, in CIDR notation; none: nobody. */
  allow: readonly string[];
};

export type Variables = Readonly<Record<string, string | undefined>>;

export function buildWakeVariables(settings: WakeSettings): Record<string, string> {
  return {
    SESTA_WORKLOAD: settings.workload,
    SESTA_TITLE: settings.title,
    SESTA_HOME: settings.home,
    SESTA_IDLE_MS: String(settings.idleMs ?? "never"),
    SESTA_PORT: String(settings.port),
    ...(settings.domain !== null && { SESTA_DOMAIN: settings.domain }),
    SESTA_PASSWORD_HASH: settings.passwordHash,
    SESTA_READY_KEY: settings.readyKey,
    SESTA_ALLOW: settings.allow.join(" "),
  };
}

/** @throws SestaError STATE_DAMAGED where one is missing */
export function readWakeSettings(variables: Variables): WakeSettings {
  const idle = getVariable(variables, "SESTA_IDLE_MS");
  return {
    workload: getVariable(variables, "SESTA_WORKLOAD"),
    title: getVariable(variables, "SESTA_TITLE"),
    home: getVariable(variables, "SESTA_HOME"),
    idleMs: idle === "never" ? null : Number(idle),
    port: Number(getVariable(variables, "SESTA_PORT")),
    domain: variables["SESTA_DOMAIN"] || null,
    passwordHash: getVariable(variables, "SESTA_PASSWORD_HASH"),
    readyKey: getVariable(variables, "SESTA_READY_KEY"),
    allow: (variables["SESTA_ALLOW"] ?? "").split(" ").filter((one) => one !== ""),
  };
}

/** @throws SestaError STATE_DAMAGED where it is missing or empty */
export function getVariable(variables: Variables, name: string): string {
  const value = variables[name];
  if (!value) throw new SestaError("STATE_DAMAGED", `The variable ${name} is not set.`);
  return value;
}
