// A tracker: real MLflow on real PostgreSQL behind the gateway's door, asleep until somebody comes.
import { existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logIn } from "../examples/demo/visitor.ts";
import { ask } from "./support/ask.ts";
import { killHard, until } from "./faults/support/processes.ts";
import { findInFiles, findInProcesses, listFamily } from "./support/canary.ts";
import {
  createTrackerProject,
  findMissingTracker,
  trackerPassword,
  type TrackerProject,
} from "./support/tracker-project.ts";

const missing = findMissingTracker();
if (missing !== "") console.warn(`tracker.test.ts: skipped: ${missing}`);

describe.skipIf(missing !== "")("a tracker", { timeout: 120_000 }, () => {
  let project: TrackerProject;
  beforeAll(async () => {
    project = await createTrackerProject("idle: 10m");
  }, 240_000);
  afterAll(() => project.end(), 60_000);

  const search = "/api/2.0/mlflow/experiments/search?max_results=10";
  const state = async () => (await project.workload("tracking")).state;

  /** Processes of PostgreSQL that belong to this tracker, its first one first. */
  function listPostgres(): number[] {
    const keep = project.path(".sesta/agent/keep/tracking/postgres");
    return readdirSync("/proc")
      .filter((pid) => /^\d+$/.test(pid))
      .flatMap((pid) => {
        try {
          const argv = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
          return argv[0]?.endsWith("/postgres") && argv.includes(keep) ? [Number(pid)] : [];
        } catch {
          return [];
        }
      });
  }

  test("asleep: nothing but a program with the password wakes it, which is held until it answers", async () => {
    expect(await state()).toBe("asleep");
    const strangers: [string, RequestInit][] = [
      [search, {}],
      [search, { headers: { authorization: "Bearer wrong" } }],
      [search, { headers: { authorization: `Basic ${btoa("admin:wrong")}` } }],
      ["/", { headers: { accept: "text/html" } }],
      ["/_sesta/../ajax-api/2.0/mlflow/experiments/search", {}],
      ["/graphql", { method: "POST", body: "{}" }],
    ];
    for (const [path, init] of strangers)
      expect([path, (await fetch(project.url + path, init)).status]).toEqual([path, 401]);
    expect(await state()).toBe("asleep");
    const answers = await Promise.all([1, 2, 3].map(() => project.ask(search)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await state()).toBe("awake");
  });

  test("MLflow's own client logs parameters, metrics, tags, a model's file, and reads them back", async () => {
    const { stdout } = await project.python(`
import mlflow
mlflow.set_experiment("flowers")
with mlflow.start_run(run_name="first") as run:
    mlflow.log_params({"rate": 0.1, "layers": 3})
    for step in range(50):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.set_tag("who", "a test")
    mlflow.log_text("hello", "notes/hello.txt")
client = mlflow.MlflowClient()
found = client.get_run(run.info.run_id)
history = client.get_metric_history(run.info.run_id, "loss")
print(found.info.status, found.data.params, len(history), mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt"))
`);
    expect(stdout.split("\n").findLast((line) => line !== "")).toBe(
      "FINISHED {'rate': '0.1', 'layers': '3'} 50 hello",
    );
  });

  test("a browser reaches nothing of it without a session, and its pages with one", async () => {
    const { headers } = await logIn(project.url, trackerPassword);
    const page = await ask(`${project.url}/`, { headers: { ...headers, accept: "text/html" } });
    expect([page.status, page.body]).toEqual([200, expect.stringContaining("<title>MLflow</title>")]);
    const own = { ...headers, origin: project.url, "sec-fetch-site": "same-origin" };
    const data = await ask(`${project.url}/ajax-api/2.0/mlflow/experiments/search?max_results=5`, {
      headers: own,
    });
    expect([data.status, data.body]).toEqual([200, expect.stringContaining("flowers")]);
    const foreign = await ask(`${project.url}/ajax-api/2.0/mlflow/runs/search`, {
      method: "POST",
      headers: { ...headers, origin: "http://evil.example", "content-type": "application/json" },
      body: "{}",
    });
    expect(foreign.status).toBe(403);
  });

  test("its own port on loopback asks for the token of this start", async () => {
    const { pid } = await project.workload("tracking");
    const folder = project.path(".sesta/agent/run");
    const [start = ""] = readdirSync(folder);
    const { port } = JSON.parse(readFileSync(`${folder}/${start}/bound-${pid}.json`, "utf8")) as {
      port: number;
    };
    for (const path of ["/health", search, "/version", "/get-artifact?path=/etc/passwd&run_id=x", "/"])
      expect([path, (await fetch(`http://127.0.0.1:${port}${path}`)).status]).toEqual([path, 401]);
  });

  test("MLflow's assistant, which runs commands on the machine, is closed also to who may log", async () => {
    const base = "/ajax-api/3.0/mlflow/assistant";
    const chosen = { providers: { ollama: { selected: true, permissions: { full_access: true } } } };
    const json = { headers: { "content-type": "application/json" } };
    const tries: [string, RequestInit][] = [
      [`${base}/config`, {}],
      [`${base}/config`, { ...json, method: "PUT", body: JSON.stringify(chosen) }],
      [`${base}/message`, { ...json, method: "POST", body: '{"message":"hi"}' }],
      [`${base.replace("assistant", "%61ssistant")}/providers`, {}],
    ];
    for (const [path, init] of tries)
      expect([path, (await project.ask(path, init)).status]).toEqual([path, 404]);
  });

  test("a place on the machine that an experiment names is neither read nor written", async () => {
    const place = project.path("elsewhere");
    const post = async (path: string, body: object | string) => {
      const headers = { "content-type": typeof body === "string" ? "text/plain" : "application/json" };
      const text = typeof body === "string" ? body : JSON.stringify(body);
      const answer = await project.ask(path, { method: "POST", headers, body: text });
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
    };
    const made = await post("/api/2.0/mlflow/experiments/create", {
      name: "elsewhere",
      artifact_location: `file://${place}`,
    });
    const { body } = await post("/api/2.0/mlflow/runs/create", {
      experiment_id: made.body["experiment_id"],
    });
    const { run_id: id } = (body as { run: { info: { run_id: string } } }).run.info;
    const sent = await post(`/ajax-api/2.0/mlflow/upload-artifact?run_uuid=${id}&path=a.txt`, "text");
    expect([sent.status, sent.body["message"]]).toEqual([400, expect.stringContaining("not its own")]);
    const listed = await project.ask(`/api/2.0/mlflow/artifacts/list?run_id=${id}`);
    expect([listed.status, existsSync(place)]).toEqual([400, false]);
  });

  test("S5: the password stands in no file, log or command line", async () => {
    expect(await findInFiles(project.folder, trackerPassword)).toEqual([]);
    const { agent_pid: agent } = await project.workload("tracking");
    expect(await findInProcesses(trackerPassword, await listFamily(agent ?? 0))).toEqual([]);
  });

  test("F18: PostgreSQL killed -9 under a stream of metrics: every acknowledged one is there, and it is back by itself", async () => {
    const logging = project.python(
      `
import mlflow, time
from mlflow.entities import Metric
client = mlflow.MlflowClient()
run = client.create_run("0")
acknowledged = 0
for batch in range(20):
    client.log_batch(run.info.run_id, metrics=[Metric("m", float(batch * 200 + n), 1, batch * 200 + n) for n in range(200)])
    acknowledged += 200
    if batch == 5: print("KILL", flush=True); open("go", "w").write("now")
    time.sleep(0.1)
steps = {one.step for one in client.get_metric_history(run.info.run_id, "m")}
print("kept", acknowledged, len(steps))
`,
      { MLFLOW_HTTP_REQUEST_MAX_RETRIES: "10" },
    );
    await until(() => readdirSync(project.folder).includes("go"), "it does not log");
    const [first = 0] = listPostgres();
    await killHard(first);
    expect((await logging).stdout).toContain("kept 4000 4000");
    await until(
      () => listPostgres().length > 0 && listPostgres()[0] !== first,
      "PostgreSQL is not started again",
    );
    expect(await state()).toBe("awake");
  });

  test("MLflow itself killed -9: a program that comes then waits for the next one", async () => {
    const { pid } = await project.workload("tracking");
    await killHard(pid ?? 0);
    const answer = await project.ask(search);
    expect(answer.status).toBe(200);
    await until(async () => (await state()) === "awake", "it is not awake again");
    expect((await project.workload("tracking")).pid).not.toBe(pid);
  });

  test("sleep ends all of it and loses nothing; a page wakes it", async () => {
    const { stdout } = await project.python(
      `import mlflow; print(mlflow.MlflowClient().create_run("0").info.run_id)`,
    );
    await project.must(["sleep", "tracking"]);
    expect(listPostgres()).toEqual([]);
    const { headers } = await logIn(project.url, trackerPassword);
    const page = await ask(`${project.url}/`, {
      headers: {
        ...headers,
        accept: "text/html",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "document",
      },
    });
    expect([page.status, page.headers["retry-after"]]).toEqual([503, expect.any(String)]);
    await until(async () => (await state()) === "awake", "it does not wake");
    const id = stdout.trim().split("\n").at(-1) ?? "";
    expect((await project.ask(`/api/2.0/mlflow/runs/get?run_id=${id}`)).status).toBe(200);
  });

  test("a database that is gone is not begun anew", async () => {
    await project.must(["sleep", "tracking"]);
    const data = project.path(".sesta/agent/keep/tracking/postgres");
    renameSync(data, `${data}.away`);
    const { code, stderr } = await project.sesta(["wake", "tracking"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("its database is gone")]);
    renameSync(`${data}.away`, data);
    await project.must(["wake", "tracking"]);
  });

  test("a passphrase that was just written down encrypts the next backup, before any `up`", async () => {
    const yaml = readFileSync(project.path("sesta.yaml"), "utf8");
    project.write("sesta.yaml", `${yaml.trimEnd()}\n    backup: { passphrase: "\${secret.backup}" }\n`);
    const { file } = await project.json<{ file: string }>(["backup", "tracking"]);
    expect(file).toMatch(/\.age\.tar$/);
    const { stderr } = await project.must(["restore", "tracking", "-y"]);
    expect(stderr).toContain(`restore ${file}`);
    project.write("sesta.yaml", yaml);
    const none = await project.sesta(["restore", "tracking", "-y", "--from", "none.tar"]);
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining(`${project.path("none.tar")}: No such file or directory`),
    ]);
  });

  test("a program that logs while it goes to sleep, and while it is asleep, gets no error", async () => {
    const logging = project.python(
      `
import mlflow, time
client = mlflow.MlflowClient()
run = client.create_run("0")
for step in range(60):
    client.log_metric(run.info.run_id, "m", step, step=step)
    time.sleep(0.05)
print("kept", len(client.get_metric_history(run.info.run_id, "m")))
`,
    );
    await new Promise((resolve) => setTimeout(resolve, 3_500));
    await project.sesta(["sleep", "tracking"]);
    expect((await logging).stdout).toContain("kept 60");
  });
});
