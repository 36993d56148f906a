// What a report says of a service beyond its state: its release, its replicas, its use.
import type { Clock } from "../../base/clock.ts";
import type { CertificateReport } from "../../model/certificate.ts";
import type { ReplicaReport } from "../../model/release.ts";
import type { AgentState, Supervised } from "../../state/agent-state.ts";
import { describeUse } from "../attendance.ts";
import type { Use } from "../idle.ts";
import type { Details } from "../state-record.ts";

export type ServiceFacts = {
  /** The number of the release that is live. */
  live: number | null;
  replicas: readonly ReplicaReport[];
  use: Use | undefined;
  /** Null where it has none from a CA. */
  certificate: CertificateReport | null;
  logTail: readonly string[];
};

export function describeService(
  { clock, state: agentState }: { clock: Clock; state: AgentState },
  { name, launch, state }: Supervised,
  { live, replicas, use, certificate, logTail }: ServiceFacts,
): Details {
  const hold = agentState.hold(name);
  return {
    ...describeUse(use),
    pid: replicas.find(({ pid }) => pid !== null)?.pid ?? null,
    hold: hold !== null && hold.until > clock.now() ? hold : null,
    open: state === "awake",
    save: null,
    logTail,
    service: { release: live, port: launch.service?.listen.port ?? 0, replicas, certificate },
  };
}
