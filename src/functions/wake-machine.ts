// A cloud's machine as the wake handlers see it; each cloud brings its own.

export type SeenMachine = {
  state: "stopped" | "starting" | "running" | "stopping";
  /** Name or address, while it has one. */
  host: string | undefined;
  /** Wall time in milliseconds of its last start. */
  launchedAt: number;
  /** What `mark` last left on it. */
  mark: string | undefined;
};

/** All of it rejects with a `CloudProblem`. */
export type WakeMachine = {
  /** Undefined where it is gone for good. */
  look(): Promise<SeenMachine | undefined>;
  /** Starts it unless it runs already. */
  start(): Promise<void>;
  mark(value: string): Promise<void>;
  unmark(): Promise<void>;
};

/** What the cloud answered instead of doing it. */
export class CloudProblem extends Error {
  override readonly name = "CloudProblem";
  /** As the cloud calls it: for the log. */
  readonly code: string;
  /** Asking again soon may help. */
  readonly isPassing: boolean;

  /** @param reason for visitors: a clause that tells nothing of the account */
  constructor(code: string, reason: string, isPassing: boolean) {
    super(reason);
    this.code = code;
    this.isPassing = isPassing;
  }
}
