// What a run of a pipeline is given: how to build and deploy, environments and secrets, and who watches.
import type { Clock } from "../base/clock.ts";
import type { Machine } from "../machine/machine.ts";
import type {
  Artefact,
  Deployed,
  Figure,
  Pushed,
  PushTarget,
  StageRecord,
  StageSection,
} from "../model/pipeline.ts";
import type { CommittedTree } from "./committed-tree.ts";

/** Hears what a stage says, a line at a time; a log keeps it, without secrets. */
export type StageOutput = { line(text: string): void };

/** How a service is built, pushed, deployed and taken away. All of it ends in order when the signal aborts. */
export type ShipService = {
  /** @param tree absolute: the committed tree with what the needed stages put out; it is gone when the stage ends */
  build(
    service: string,
    tree: string,
    on: StageOutput,
    signal: AbortSignal,
  ): Promise<Pick<Artefact, "kind" | "digest">>;
  /** To all of them, or it fails and says which: nothing is half pushed. */
  push(
    artefact: Artefact,
    to: readonly PushTarget[],
    facts: ShipFacts,
    on: StageOutput,
    signal: AbortSignal,
  ): Promise<Pushed[]>;
  /** @param artefact what a needed stage has built; without one the service is built from the tree */
  deploy(
    service: string,
    tree: string,
    artefact: Artefact | undefined,
    facts: ShipFacts & { digest: string; figures: readonly Figure[] },
    on: StageOutput,
    signal: AbortSignal,
  ): Promise<Deployed>;
  destroy(service: string, on: StageOutput, signal: AbortSignal): Promise<void>;
};

/** Who ships what: kept with a release. `digest` is the tree's, see `digestTree`. */
export type ShipFacts = { commit: string; by: string; runId: string };

export type PipelineWatch = {
  begin(stage: string): void;
  line(stage: string, text: string): void;
  end(record: StageRecord): void;
  /** Of the run as a whole. */
  notice(text: string): void;
};

export type PipelineParts = {
  machine: Machine;
  clock: Clock;
  signal: AbortSignal;
  /** How many stages go on at once, at most. */
  parallel: number;
  tree: CommittedTree;
  runId: string;
  /** Who runs it. */
  by: string;
  /** Absolute, made by whoever gives them. */
  folders: { store: string; results: string; logs: string; work: string };
  /** The variables that every stage begins with. */
  env: Readonly<Record<string, string | undefined>>;
  /** Undefined where the stage has none of its own. */
  environment(stage: StageSection): Promise<StageEnvironment | undefined>;
  /** Of the stage's `env`: values, and what stands for them in a key: never a secret's value. */
  variables(
    stage: StageSection,
  ): Promise<{ values: Record<string, string>; keys: Readonly<Record<string, string>> }>;
  /** What a service is, as text: a change of it is another input. */
  describeService(name: string): string;
  pushTargets(stage: StageSection): Promise<PushTarget[]>;
  /** `sha256:…` of what a deploy of the service takes out of a folder: its files, or its model alone. */
  digestTree(folder: string, service: string): Promise<string>;
  ship: ShipService;
  watch: PipelineWatch;
  /** Called when something has changed that must outlive this process. */
  record(stages: readonly StageRecord[]): void;
  /** What was measured of a tree that would be deployed; before any deploy of it. */
  validated(service: string, digest: string, figures: readonly Figure[]): void;
};

export type StageEnvironment = {
  /** Names its content. */
  digest: string;
  /** Makes it where it is not there. @returns its folder, absolute */
  make(detail: (text: string) => void): Promise<string>;
};
