// MLflow's REST API, as far as runs of jobs need it. (https://mlflow.org/docs/latest/rest-api.html)
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { Readable } from "node:stream";
import { messageOf, SestaError } from "../../base/errors.ts";

export type MlflowStatus = "RUNNING" | "FINISHED" | "FAILED" | "KILLED";

/** Wall times are milliseconds since the epoch. */
export type NewMlflowRun = {
  experimentId: string;
  name: string;
  startedAt: number;
  tags: Readonly<Record<string, string>>;
};

export type MlflowRun = { runId: string; artifacts: string };

export type Mlflow = ReturnType<typeof createMlflow>;

/** A tracker that wakes first takes seconds. */
const patienceMs = 180_000;

/** @throws from all its methods SestaError TRACKER for what the server refuses, or when it does not answer */
export function createMlflow(url: string, token: string, signal: AbortSignal) {
  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const answer = await send(`${url}/api/2.0/mlflow/${path}`, {
      method,
      headers: { "content-type": "application/json" },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await answer.json()) as T;
  }

  async function send(target: string, init: RequestInit): Promise<Response> {
    const headers = { ...(init.headers as Record<string, string>), authorization: `Bearer ${token}` };
    const patience = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)]);
    const answer = await fetch(target, { ...init, headers, signal: patience }).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new SestaError("TRACKER", `The tracker does not answer: ${messageOf(cause)}`, { cause });
    });
    if (answer.ok) return answer;
    const text = await answer.text();
    throw new SestaError("TRACKER", `The tracker refused: ${readMessage(text) ?? `${answer.status}`}`);
  }

  return {
    /** Of the experiment with this name, which is made where it is missing. */
    async findExperiment(name: string): Promise<string> {
      const query = new URLSearchParams({ experiment_name: name });
      const find = () =>
        call<{ experiment: { experiment_id: string } }>("GET", `experiments/get-by-name?${query}`);
      try {
        return (await find()).experiment.experiment_id;
      } catch (error) {
        if (!isMissing(error)) throw error;
      }
      // Another run may make it at this moment.
      const made = await call<{ experiment_id: string }>("POST", "experiments/create", { name }).catch(
        () => undefined,
      );
      return made?.experiment_id ?? (await find()).experiment.experiment_id;
    },
    async createRun({ experimentId, name, startedAt, tags }: NewMlflowRun): Promise<MlflowRun> {
      const { run } = await call<{ run: { info: { run_id: string; artifact_uri: string } } }>(
        "POST",
        "runs/create",
        {
          experiment_id: experimentId,
          run_name: name,
          start_time: startedAt,
          tags: Object.entries(tags).map(([key, value]) => ({ key, value })),
        },
      );
      return { runId: run.info.run_id, artifacts: run.info.artifact_uri };
    },
    async endRun(runId: string, status: MlflowStatus, endedAt: number): Promise<void> {
      await call("POST", "runs/update", { run_id: runId, status, end_time: endedAt });
    },
    async setTag(runId: string, key: string, value: string): Promise<void> {
      await call("POST", "runs/set-tag", { run_id: runId, key, value });
    },
    /**
     * @param artifacts where the run has its artifacts, as `createRun` said
     * @param name with slashes
     */
    async putArtifact(artifacts: string, name: string, file: string): Promise<void> {
      const root = /^mlflow-artifacts:\/+(.+)$/.exec(artifacts)?.[1];
      if (root === undefined)
        throw new SestaError("TRACKER", `Artifacts do not go through the tracker: ${artifacts}`);
      const path = [...root.split("/"), ...name.split("/")].map(encodeURIComponent).join("/");
      const { size } = await stat(file);
      const body = Readable.toWeb(createReadStream(file)) as ReadableStream;
      await send(`${url}/api/2.0/mlflow-artifacts/artifacts/${path}`, {
        method: "PUT",
        body,
        duplex: "half",
        headers: { "content-length": String(size), "content-type": "application/octet-stream" },
      } as RequestInit);
    },
  };
}

function isMissing(error: unknown): boolean {
  return error instanceof SestaError && /RESOURCE_DOES_NOT_EXIST|Could not find/i.test(error.message);
}

function readMessage(text: string): string | undefined {
  try {
    const { message, error_code } = JSON.parse(text) as { message?: string; error_code?: string };
    return [error_code, message].filter((part) => part !== undefined).join(": ");
  } catch {
    return undefined;
  }
}
