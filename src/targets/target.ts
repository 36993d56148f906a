// A target: where workloads run. One contract suite holds for every one of them.
import type { AgentConnection } from "../machine/agent-connection.ts";
import type { Machine } from "../machine/machine.ts";
import type { DoorAddress } from "../model/agent-protocol.ts";
import type { Launch } from "../model/launch.ts";
import type { ContainerCall, NewRelease, Release } from "../model/release.ts";
import type { Placed, Plan, Progress, Receipt } from "../model/plan.ts";
import type { Report } from "../model/status.ts";

/** Something that exists on a target, known to the project or not. */
export type Resource = { name: string; kind: "workload" | "environment"; where: string };

/** What serves models on a target's machine. */
export type ModelServerPlace = {
  node: string;
  program: string;
  /** The folder of onnxruntime's native files; absent where they are found beside the program. */
  runtime?: string;
};

/** A program of Sesta's that is put on machines. */
export type ProgramSource = {
  /** What runs here. */
  node: string;
  program: string;
  /** The program as one file. */
  load(): Promise<string>;
};

/** What is put on machines to serve models there. */
export type ModelServerSource = ProgramSource & {
  /** The folder of the package onnxruntime-node; undefined where it is not installed. */
  findRuntime(): string | undefined;
};

export type ReleaseOrder = {
  release: NewRelease;
  /** Of what `plan` compares, see the project's record. */
  digest: string;
  why: string;
};

export type LogOptions = {
  follow?: boolean | undefined;
  lines: number;
  /** Only of a service: whose replicas' last lines are read, in this order. */
  releases?: readonly number[];
};

export type InsidePlace = {
  machine: Machine;
  workspace: string;
  environment: string;
  /** The workload's own, for as long as it exists. */
  keep: string;
  /** Of one replica where they run in containers; null while none runs. */
  container?: ContainerCall | null;
};

export type Target = {
  /** As the project file calls it. */
  readonly name: string;
  /** Reads only. `undefined` takes the workload away. */
  plan(name: string, wanted: Launch | undefined): Promise<Plan>;
  /** The plan that takes it from the record alone, made without its machine, which may be gone for good. */
  planForget?(name: string): Promise<Plan>;
  /** Exactly what was shown. @throws SestaError STALE_PLAN when what it was made from has changed */
  apply(plan: Plan, on: Progress): Promise<Placed | Receipt>;
  /** Is there when it resolves. @throws SestaError UNSUPPORTED where onnxruntime cannot be had */
  modelServer(detail: (text: string) => void): Promise<ModelServerPlace>;
  /** How a certificate is had there: Node and a program, which are there when it resolves. */
  acmeClient(detail: (text: string) => void): Promise<readonly [node: string, program: string]>;
  /** Begins a release of a service; the agent's `releases` tells how it goes. */
  release(launch: Launch, wanted: ReleaseOrder, on: Progress): Promise<Release>;
  /** The agent's own report; `absent` where it knows nothing of the workload. */
  status(name: string): Promise<Report>;
  list(): Promise<Resource[]>;
  wake(name: string, why: string, by: string): Promise<Report>;
  sleep(name: string, why: string, by: string): Promise<Report>;
  /** Its machine is reached over a network, and may be off. */
  readonly remote: boolean;
  /** Its machine is on: one that sleeps is woken where that can be done. @throws SestaError SSH_CONNECTION */
  reach?(): Promise<void>;
  /** What a path that somebody typed here means on its machine. @param from a folder here */
  resolvePath(path: string, from: string): Promise<string>;
  /**
   * Its machine is on and its agent runs, whatever has to be done for it: a machine that sleeps is woken.
   * @throws SestaError SSH_CONNECTION
   */
  rouse(): Promise<void>;
  /** Where the front door finds the process, from here; null while it does not run. */
  door(name: string): Promise<DoorAddress | null>;
  /** What the workload printed: its last lines, then on request whatever comes. */
  logs(name: string, options: LogOptions): AsyncIterable<string>;
  /** Where a workload that is up is, for somebody who wants to look around there. */
  inside(name: string): Promise<InsidePlace>;
  agent: AgentConnection;
  /** Lets go of what this process holds; what runs goes on. */
  close(): Promise<void>;
};
