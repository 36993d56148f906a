// What crosses the agent's socket: its methods, and the lines of its stream. One request a connection.
import type { Launch } from "./launch.ts";
import type { Change, Report } from "./status.ts";

/** Raised when an older agent would misunderstand; N-1 is refused with AGENT_VERSION. */
export const protocolVersion = 1;

export type AgentMethods = {
  hello: { params: Record<string, never>; result: Hello };
  /** Registers a workload, or replaces what is known of it. */
  put: { params: { launch: Launch; places: { environment: string; workspace: string } }; result: Report };
  /** Forgets a workload that is asleep or failed. */
  remove: { params: { name: string }; result: null };
  list: { params: Record<string, never>; result: Report[] };
  wake: { params: Asked; result: Report };
  sleep: { params: Asked; result: Report };
  /** A person used the workload just now. */
  use: { params: { name: string; source: string }; result: null };
  /** Where the front door finds the process. The headers hold its token: only for the door. */
  door: { params: { name: string }; result: DoorAddress | null };
  changes: { params: { after: number }; result: Change[] };
  /** Ends the agent; what it supervises goes on. */
  stop: { params: Record<string, never>; result: null };
};

export type Asked = { name: string; why: string; by: string };
/** Changes are numbered within an `instance`. */
export type Hello = { protocol: number; version: string; pid: number; instance: string };
export type DoorAddress = { host: string; port: number; headers: Readonly<Record<string, string>> };

/** Lines of the `watch` stream: first every report, then every change after `after`, then both as they come. */
export type AgentEvent = { report: Report } | { change: Change } | { removed: string };
