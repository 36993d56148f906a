// The wake endpoint and the front door over real HTTP, before one real lab: every row of the contract, and what never opens.
import { mkdir, readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKernel } from "../examples/demo/kernel.ts";
import { printed } from "../examples/demo/notebook.ts";
import { logIn } from "../examples/demo/visitor.ts";
import type { Change } from "../src/model/status.ts";
import { until } from "./faults/support/processes.ts";
import { ask, handshake, type Asked, type AskOptions } from "./support/ask.ts";
import { findInFiles, findInProcesses, listFamily } from "./support/canary.ts";
import { createExampleProject, findMissingLab, type ExampleProject } from "./support/example-project.ts";

const missing = findMissingLab();
if (missing !== "") console.warn(`wake-contract.test.ts is skipped: ${missing}`);

const json = "application/json; charset=utf-8";
const starting = /^Jupyter Lab will start in .+\. Wait and reload this request to get the access URL\.$/;
/** Records what Jupyter itself is sent. */
const cookieRecorder = `
import tornado.web
begin = tornado.web.RequestHandler.__init__
def record(self, application, request, **kwargs):
    with open("cookies.txt", "a") as file:
        file.write(f"{request.path} {request.headers.get('Cookie', '')}\\n")
    begin(self, application, request, **kwargs)
tornado.web.RequestHandler.__init__ = record
`;

describe.skipIf(missing !== "")("the contract of GET /v1/start?pass=…", { timeout: 60_000 }, () => {
  let project: ExampleProject;

  beforeAll(async () => {
    project = await createExampleProject();
    const config = join(project.folder, ".sesta", "agent", "keep", "notebook", "jupyter");
    await mkdir(config, { recursive: true });
    await writeFile(join(config, "jupyter_server_config.py"), cookieRecorder);
  });
  afterAll(() => project?.end());

  const start = (path: string, options?: AskOptions): Promise<Asked> =>
    ask(`${project.gateway}${path}`, options);
  const startRight = (options?: AskOptions): Promise<Asked> =>
    start(`/v1/start?pass=${project.password}`, options);
  const messageOf = ({ body }: Asked): string => (JSON.parse(body) as { message: string }).message;
  const stateOf = ({ body }: Asked): string => (JSON.parse(body) as { state: string }).state;
  const starts = async (): Promise<number> => {
    const { events } = JSON.parse((await project.sesta(["history", "--json"])).stdout) as {
      events: Change[];
    };
    return events.filter(({ to }) => to === "waking").length;
  };
  /** To the gateway, which hears of it after its agent has written it. */
  const untilAwake = async () => {
    await project.until("notebook", ({ state }) => state === "awake");
    await until(async () => stateOf(await startRight()) === "awake", "the gateway does not hear of it");
  };
  const sleep = async (): Promise<void> => {
    const { code, stderr } = await project.sesta(["sleep", "notebook"]);
    if (code !== 0) throw new Error(stderr);
  };

  test("no password: 400, the same to the byte for known and unknown names", async () => {
    const paths = [
      "/v1/start",
      "/v1/notebook/start",
      "/v1/nobody/start",
      "/v1/start?pass=",
      "/v1/start?other=1",
    ];
    for (const path of paths)
      for (const method of ["GET", "POST"]) {
        const answer = await start(path, { method });
        expect([answer.status, answer.body]).toEqual([
          400,
          '{"message": "URL must contain a \\"pass\\" query string!"}',
        ]);
        expect(answer.headers["content-type"]).toBe(json);
      }
  });

  test("T1: a wrong password: 403, the same to the byte for a name that does not exist", async () => {
    const known = await start("/v1/notebook/start?pass=wrong");
    const unknown = await start("/v1/nobody/start?pass=wrong");
    expect([known.status, known.body]).toEqual([403, '{"message": "Wrong password."}']);
    const withoutDate = ({ status, headers: { date: _, ...headers }, body }: Asked) => ({
      status,
      headers,
      body,
    });
    expect(withoutDate(unknown)).toEqual(withoutDate(known));
    expect(known.headers["content-type"]).toBe(json);
    expect((await start(`/v1/nobody/start?pass=${project.password}`)).status).toBe(403);
  });

  test("T1: HEAD, prefetch and link previews do not wake, not even with the password", async () => {
    const looks: AskOptions[] = [
      { method: "HEAD" },
      { headers: { "sec-purpose": "prefetch;prerender", accept: "text/html" } },
      { headers: { purpose: "prefetch", accept: "text/html" } },
      { headers: { "x-moz": "prefetch" } },
      {
        headers: {
          "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
          accept: "text/html",
        },
      },
      { headers: { "user-agent": "WhatsApp/2.23.20.0" } },
      { headers: { "user-agent": "TelegramBot (like TwitterBot)" } },
    ];
    for (const look of looks) {
      const answer = await startRight(look);
      expect(answer.status).toBe(503);
      expect(answer.headers["set-cookie"]).toBeUndefined();
      if (look.method !== "HEAD") expect(stateOf(answer)).toBe("asleep");
    }
    expect(await starts()).toBe(0);
  });

  test("T1: at the lab's own address only a page navigation by somebody logged in wakes", async () => {
    const { headers } = await logIn(project.lab, project.password);
    const looks: AskOptions[] = [
      { method: "HEAD" },
      { headers: { accept: "*/*" } },
      { headers: { accept: "application/json" } },
      { headers: { accept: "text/html", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty" } },
      { headers: { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "iframe" } },
      { headers: { accept: "text/html", "sec-purpose": "prefetch" } },
      { headers: { accept: "text/html", "user-agent": "Mozilla/5.0 (compatible; Discordbot/2.0)" } },
      { headers: handshake },
      { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
    ];
    for (const look of looks)
      for (const path of ["/", "/lab", "/api/kernels"]) {
        const answer = await ask(project.lab + path, { ...look, headers: { ...headers, ...look.headers } });
        expect(answer.status).toBe(503);
        if (look.method !== "HEAD") expect(stateOf(answer)).toBe("asleep");
      }
    expect(await starts()).toBe(0);
  });

  test("T1: hundreds of requests without a cookie start nothing and learn nothing", async () => {
    const stranger: AskOptions[] = [
      { headers: { accept: "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document" } },
      { method: "POST", headers: { "content-type": "application/json" }, body: "{}" },
      { headers: { ...handshake, origin: project.lab } },
    ];
    const seen = new Set<string>();
    for (let round = 0; round < 100; round++) {
      const asked = stranger.flatMap((options) =>
        [`${project.lab}/lab`, `${project.lab}/api/contents?pass=${round}`, `${project.gateway}/`].map(
          (url) => ask(url, options),
        ),
      );
      for (const { status, headers } of await Promise.all(asked))
        seen.add(`${status} ${headers.location?.split("?")[0] ?? ""}`);
    }
    expect([...seen].toSorted()).toEqual(["302 /_sesta/login", "401 "]);
    expect(await starts()).toBe(0);
  });

  test("asleep and waking: 200 with Retry-After; awake: the access URL and the workload's own idle time", async () => {
    const first = await startRight();
    expect([first.status, messageOf(first)]).toEqual([
      200,
      "Jupyter Lab will start in 1-3 min. Wait and reload this request to get the access URL.",
    ]);
    expect(first.headers["content-type"]).toBe(json);
    expect(Number(first.headers["retry-after"])).toBeGreaterThan(0);
    const second = await startRight();
    expect([second.status, stateOf(second)]).toEqual([200, "waking"]);
    expect(messageOf(second)).toMatch(starting);
    expect(Number(second.headers["retry-after"])).toBeGreaterThan(0);
    await untilAwake();
    const awake = await startRight();
    expect(JSON.parse(awake.body)).toEqual({
      message: `Jupyter Lab already running at ${project.lab}/lab. Remember: it will be inactive again when idle for 40 min.`,
      state: "awake",
      url: `${project.lab}/lab`,
      eta_seconds: 0,
    });
    expect([awake.status, awake.headers["content-type"]]).toEqual([200, json]);
    expect(await starts()).toBe(1);
  });

  test("the sentence names the host that the visitor came by, so that its cookie is good there", async () => {
    const { host, port } = new URL(project.gateway);
    const labPort = new URL(project.lab).port;
    const by = async (name: string) => messageOf(await startRight({ headers: { host: name } }));
    expect(await by(host)).toContain(`running at http://127.0.0.1:${labPort}/lab.`);
    expect(await by(`localhost:${port}`)).toContain(`running at http://localhost:${labPort}/lab.`);
    const viaTheLab = await ask(`${project.lab}/lab`, {
      headers: { host: `localhost:${labPort}`, accept: "text/html" },
    });
    expect([viaTheLab.status, viaTheLab.headers.location]).toEqual([302, "/_sesta/login?next=%2Flab"]);
  });

  test("HEAD of an awake lab answers 200 without a body", async () => {
    const { status, body } = await startRight({ method: "HEAD" });
    expect([status, body]).toEqual([200, ""]);
  });

  test("the password as Bearer, or as a form post, by the lab's name too", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const { password } = project;
    const ways: AskOptions[] = [
      { headers: { authorization: `Bearer ${password}` } },
      { method: "POST", headers: { authorization: `Bearer ${password}` } },
      { method: "POST", headers: form, body: `pass=${password}` },
      { method: "POST", headers: form, body: `password=${password}` },
    ];
    for (const way of ways)
      for (const path of ["/v1/start", "/v1/notebook/start"]) {
        const answer = await start(path, way);
        expect([answer.status, stateOf(answer)]).toEqual([200, "awake"]);
      }
    await sleep();
    const woken = await start("/v1/start", ways[0]);
    expect([woken.status, stateOf(woken)]).toEqual([200, "waking"]);
    await untilAwake();
    const twice = await start(`/v1/start?pass=${password}&pass=${password}`);
    expect(twice.status).toBe(400);
  });

  test("F22: a request while it goes to sleep: 200, and it wakes again by itself", async () => {
    const { headers } = await logIn(project.lab, project.password);
    const asked = await ask(`${project.lab}/_sesta/sleep`, {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", "x-sesta": "1" },
      body: '{"workload":"notebook"}',
    });
    expect(asked.status).toBe(200);
    const answer = await startRight();
    expect([answer.status, stateOf(answer)]).toEqual([200, "sleeping"]);
    expect(messageOf(answer)).toMatch(starting);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    await untilAwake();
  });

  test("a browser gets a page and a session: host-only, HttpOnly, SameSite; the page does not hold the password", async () => {
    const { status, headers, body } = await startRight({
      headers: { accept: "text/html,application/xhtml+xml" },
    });
    expect([status, headers["content-type"]]).toEqual([200, "text/html; charset=UTF-8"]);
    expect(body).not.toContain(project.password);
    expect(headers["referrer-policy"]).toBe("strict-origin");
    expect(headers["cache-control"]).toBe("no-store");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    const [cookie = ""] = headers["set-cookie"] ?? [];
    expectSafeCookie(cookie);
    const session = cookie.split(";", 1)[0] ?? "";
    expect((await ask(`${project.lab}/api/status`, { headers: { cookie: session } })).status).toBe(200);
  });

  test("the login form gives the same kind of cookie, and refuses a page of another origin", async () => {
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const body = `password=${project.password}&next=https://elsewhere.example/`;
    const logged = await ask(`${project.lab}/_sesta/login`, { method: "POST", headers: form, body });
    expect([logged.status, logged.headers.location]).toEqual([303, "/"]);
    const [cookie = ""] = logged.headers["set-cookie"] ?? [];
    expectSafeCookie(cookie);
    for (const origin of [
      "http://elsewhere.example",
      "null",
      project.gateway,
      `${project.lab}.elsewhere.example`,
    ]) {
      const refused = await ask(`${project.lab}/_sesta/login`, {
        method: "POST",
        headers: { ...form, origin },
        body,
      });
      expect([refused.status, refused.headers["set-cookie"]]).toEqual([403, undefined]);
    }
  });

  test("T7: an unknown Host gets 421 at both addresses, whatever else is right", async () => {
    const { headers } = await logIn(project.lab, project.password);
    for (const host of ["elsewhere.example", "127.0.0.1.elsewhere.example:80", "10.0.0.1"]) {
      expect((await startRight({ headers: { host } })).status).toBe(421);
      expect((await ask(`${project.lab}/api/status`, { headers: { ...headers, host } })).status).toBe(421);
      expect(
        (await ask(`${project.lab}/api/status`, { headers: { ...headers, ...handshake, host } })).status,
      ).toBe(421);
    }
  });

  test("T7: a change needs this very origin and Sec-Fetch-Site: same-origin", async () => {
    const { headers } = await logIn(project.lab, project.password);
    const { cookie = "" } = headers;
    const sleepBody = { method: "POST", body: '{"workload":"notebook"}' };
    const type = { "content-type": "application/json", "x-sesta": "1" };
    const wrong: Record<string, string>[] = [
      {},
      { origin: project.lab },
      { "sec-fetch-site": "same-origin" },
      { origin: project.lab, "sec-fetch-site": "same-site" },
      { origin: project.lab, "sec-fetch-site": "cross-site" },
      { origin: project.gateway, "sec-fetch-site": "same-site" },
      { origin: "null", "sec-fetch-site": "same-origin" },
      { origin: "http://elsewhere.example", "sec-fetch-site": "cross-site" },
      { origin: project.lab.replace("http:", "https:"), "sec-fetch-site": "same-origin" },
    ];
    for (const from of wrong) {
      const one = { cookie, ...type, ...from };
      expect((await ask(`${project.lab}/_sesta/sleep`, { ...sleepBody, headers: one })).status).toBe(403);
      expect((await ask(`${project.gateway}/_sesta/sleep`, { ...sleepBody, headers: one })).status).toBe(403);
      for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
        const answer = await ask(`${project.lab}/api/contents/made-by-a-stranger`, {
          method,
          headers: one,
          body: "{}",
        });
        expect(answer.status).toBe(403);
      }
    }
    const plainForm = { cookie, ...headers, "content-type": "text/plain" };
    expect((await ask(`${project.lab}/_sesta/sleep`, { ...sleepBody, headers: plainForm })).status).toBe(403);
    expect((await project.workload("notebook")).state).toBe("awake");
    expect(await readdir(join(project.folder, "notebook"))).not.toContain("made-by-a-stranger");
  });

  test("T6: a WebSocket needs the session and this very origin", async () => {
    const visitor = await logIn(project.lab, project.password);
    const kernel = await openKernel(visitor, "a.ipynb");
    kernel.close();
    const url = `${project.lab}/api/kernels/${kernel.id}/channels`;
    const { cookie = "" } = visitor.headers;
    const open = (headers: Record<string, string>) => ask(url, { headers: { ...handshake, ...headers } });
    expect((await open({ cookie, origin: project.lab })).status).toBe(101);
    const { host, port } = new URL(project.lab);
    const lookalikes = [
      undefined,
      "null",
      project.gateway,
      project.lab.replace("http:", "https:"),
      `http://${host}.elsewhere.example`,
      `http://elsewhere.example:${port}`,
      `http://localhost:${port}`,
      `${project.lab}/`,
      `${project.lab}, ${project.lab}`,
    ];
    for (const origin of lookalikes)
      expect((await open({ cookie, ...(origin !== undefined && { origin }) })).status).toBe(403);
    expect((await open({ cookie, origin: project.lab, "sec-fetch-site": "cross-site" })).status).toBe(403);
    expect((await open({ origin: project.lab })).status).toBe(401);
  });

  test("Jupyter never sees a cookie of Sesta's, and sees the others", async () => {
    const { headers } = await logIn(project.lab, project.password);
    const cookie = `mine=1; ${headers["cookie"]}; sesta_owner=made-up; _xsrf=2`;
    await ask(`${project.lab}/api/status?asked=here`, { headers: { cookie } });
    const recorded = await project.read("notebook/cookies.txt");
    expect(recorded).toContain("/api/status mine=1; _xsrf=2\n");
    expect(recorded).not.toContain("sesta");
  });

  test("T2: five wrong guesses are free, then 429 with Retry-After, whatever a header claims; a live session goes on", async () => {
    const visitor = await logIn(project.lab, project.password);
    const guesses: Asked[] = [];
    for (let index = 0; index < 8; index++) {
      const claimed = `198.51.100.${index}`;
      const headers = { "x-forwarded-for": claimed, forwarded: `for=${claimed}`, "x-real-ip": claimed };
      guesses.push(await start(`/v1/start?pass=guess-${index}`, { headers }));
    }
    const wrong = guesses.filter(({ status }) => status === 403);
    const turnedAway = guesses.filter(({ status }) => status === 429);
    expect(wrong.length).toBeLessThanOrEqual(5);
    expect(wrong.length + turnedAway.length).toBe(8);
    const last = turnedAway.at(-1);
    expect(Number(last?.headers["retry-after"])).toBeGreaterThan(0);
    expect(last && messageOf(last)).toMatch(/^Too many attempts\. Try again in \d+ s\.$/);
    expect(last?.headers["content-type"]).toBe(json);

    expect((await visitor.request("/api/status")).status).toBe(200);
    const kernel = await openKernel(visitor, "b.ipynb");
    expect(printed(await kernel.execute("print(6 * 7)"))).toBe("42\n");
    kernel.close();
    await expect.poll(async () => (await startRight()).status, { timeout: 20_000, interval: 200 }).toBe(200);
  });

  test("T4: the password is in no file of the project, no process, and no answer", async () => {
    const { password, folder } = project;
    const visitor = await logIn(project.lab, password);
    const kernel = await openKernel(visitor, "c.ipynb");
    const environment = printed(await kernel.execute("import os\nprint(os.getpid(), dict(os.environ))"));
    kernel.close();
    expect(environment).toMatch(/^\d+ \{.*'PATH'/);
    expect(environment).not.toContain(password);
    expect(environment).not.toContain("TEAM_PASS");

    const { gateway, workloads } = await project.status();
    const [lab] = workloads;
    const family = await listFamily(lab?.pid ?? 0);
    if (process.platform === "linux") expect(family).toContain(Number(environment.split(" ", 1)[0]));
    const pids = [gateway.pid ?? 0, lab?.agent_pid ?? 0, ...family];
    expect(await findInProcesses(password, pids)).toEqual([]);
    expect(await findInFiles(folder, password)).toEqual([]);
    // What is surely there is found, so a leak would be.
    if (process.platform === "linux") expect(await findInProcesses(folder, pids)).not.toEqual([]);
    expect(await findInFiles(folder, "team_pass")).toContain(join(folder, ".sesta", "state.db-wal"));
    const said = [
      ["status"],
      ["status", "--json"],
      ["history"],
      ["history", "--json"],
      ["logs", "notebook"],
      ["why", "notebook"],
    ];
    for (const argv of said) {
      const { code, stdout, stderr } = await project.sesta(argv);
      expect(code).toBe(0);
      expect(stdout + stderr).not.toContain(password);
    }
  });

  test("failed: 503 with the reason; a GET does not try again at once, a POST does", async () => {
    await sleep();
    const environments = join(project.folder, ".sesta", "environments");
    const [name = ""] = await readdir(environments);
    await rename(join(environments, name), join(environments, "away"));
    expect(stateOf(await startRight())).toBe("waking");
    await project.until("notebook", ({ state }) => state === "failed");
    const failures = await starts();

    const again = await startRight();
    expect([again.status, stateOf(again)]).toEqual([503, "failed"]);
    expect(messageOf(again)).toMatch(/^Jupyter Lab failed to start: .+\.$/);
    expect(Number(again.headers["retry-after"])).toBeGreaterThan(0);
    await delay(300);
    expect(await starts()).toBe(failures);

    await rename(join(environments, "away"), join(environments, name));
    const posted = await startRight({ method: "POST" });
    expect([posted.status, stateOf(posted)]).toEqual([200, "waking"]);
    await untilAwake();
    expect(await starts()).toBe(failures + 1);
  });

  test("absent: 503 that says what `up` still has to do", async () => {
    expect((await project.sesta(["down", "notebook", "-y"])).code).toBe(0);
    const answer = await startRight();
    expect([answer.status, stateOf(answer)]).toEqual([503, "absent"]);
    expect(messageOf(answer)).toContain("sesta up notebook");
    expect(answer.headers["content-type"]).toBe(json);
  });
});

function expectSafeCookie(cookie: string): void {
  expect(cookie).toMatch(/^sesta_notebook[\w.]*=[\w.-]+;/);
  expect(cookie).toMatch(/; HttpOnly(;|$)/);
  expect(cookie).toMatch(/; SameSite=(Lax|Strict)(;|$)/);
  expect(cookie).toMatch(/; Path=\/(;|$)/);
  expect(cookie).not.toMatch(/; Domain/i);
}
