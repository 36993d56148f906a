// Pipelines: their stages as the project file declares them, their runs and figures as Sesta remembers them.
import type { EnvValue, JobPython } from "./project.ts";
import type { EnvText } from "./secret.ts";

export type PipelineSection = {
  name: string;
  /** In the order of the file. */
  stages: readonly StageSection[];
};

export type StageSection = {
  name: string;
  work: StageWork;
  /** Names of stages that must have succeeded before. */
  needs: readonly string[];
  /** Runs only when it is named. */
  manual: boolean;
  python?: JobPython;
  env: Readonly<Record<string, StageValue>>;
  /** Paths or patterns in the stage's tree, handed to the stages that need it. */
  outputs: readonly string[];
  metric?: MetricSection;
  /** Paths or patterns of JUnit reports in the stage's tree. */
  junit: readonly string[];
  /** `null`: no limit. */
  timeoutMs: number | null;
};

export type StageValue = EnvValue | { parts: EnvText };

export type StageWork =
  /** Given to `sh -c` as one argument. */
  | { kind: "run"; script: string }
  | { kind: "build"; service: string; push: readonly string[] }
  | { kind: "deploy"; service: string }
  | { kind: "destroy"; service: string };

export type MetricSection = {
  name: string;
  from: MetricSource;
  /** Decimal text, so that no digit is lost. */
  min: string | null;
  max: string | null;
};

export type MetricSource =
  /** A regular expression with one group; its last match in a line of standard output counts. */
  { pattern: string } | { json: string; key: string };

export type RegistrySection =
  | {
      name: string;
      type: "login";
      host: string;
      repository?: string;
      username?: string;
      /** The secret, by name. */
      password?: string;
      /** Plain http, or a certificate that nobody vouches for, also beyond loopback. */
      insecure?: boolean;
    }
  | { name: string; type: "ecr"; region: string; account?: string; repository?: string; profile?: string };

export const stageStates = ["waiting", "running", "succeeded", "failed", "skipped", "stopped"] as const;
export type StageState = (typeof stageStates)[number];

export type PipelineState = "running" | "succeeded" | "failed" | "stopped" | "lost";

/** What a metric gave, and how that was judged. */
export type Figure = {
  stage: string;
  name: string;
  /** As it was printed; null where there was none. */
  value: string | null;
  min: string | null;
  max: string | null;
  passed: boolean;
};

export type TestSummary = {
  tests: number;
  failures: number;
  errors: number;
  skipped: number;
  seconds: number;
  /** Names of tests that failed, at most 20. */
  failed: readonly string[];
};

/** A file that a stage handed on. */
export type OutputFile = {
  path: string;
  mode: "file" | "exec" | "link";
  /** Of its content; of a link's, which is where it leads. */
  sha256: string;
  bytes: number;
  /** Of a link. */
  target?: string;
};

/** What a build made. */
export type Artefact = {
  service: string;
  kind: "image" | "tree" | "model";
  /** `sha256:…` */
  digest: string;
  /** Where registries have it. */
  pushed: readonly Pushed[];
};

export type Pushed = { reference: string; digest: string };

/** Where an artefact goes; the tag is added by whoever pushes. */
export type PushTarget = {
  /** As in the project file. */
  name: string;
  /** `HOST/REPOSITORY[:TAG]`; of ECR without an account in the file, `REPOSITORY` alone. */
  reference: string;
  registry: RegistrySection | null;
  /** Of `registry`, resolved. */
  password: string | null;
};

export type Deployed = { release: number; digest: string; url: string | null };

export type StageRecord = {
  name: string;
  state: StageState;
  cached: boolean;
  /** One sentence where the state alone does not say it. */
  why: string | null;
  startedAt: number | null;
  /** How long the work itself took, also where its result was reused. */
  tookMs: number | null;
  exitCode: number | null;
  figure: Figure | null;
  outputs: readonly OutputFile[];
  tests: TestSummary | null;
  artefact: Artefact | null;
  release: Deployed | null;
  /** Absolute path. */
  log: string | null;
};

export type PipelineRun = {
  id: string;
  pipeline: string;
  createdAt: number;
  endedAt: number | null;
  state: PipelineState;
  why: string | null;
  commit: string;
  dirty: boolean;
  stages: readonly StageRecord[];
  /** The folder that its stages work in, absolute; removed with all that is in it. */
  work: string;
};

/** The word on one tree of a service: what was measured of it, and whether all of that was good enough. */
export type Validation = {
  service: string;
  /** `sha256:…` of the tree that would be deployed: see `digestTree`. */
  digest: string;
  at: number;
  verdict: "passed" | "failed";
  figures: readonly Figure[];
  commit: string;
  pipeline: string;
  run: string;
};
