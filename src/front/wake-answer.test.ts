// The wake endpoint's answers: every row of the table, whole.
import { describe, expect, test } from "vitest";
import { protect } from "../base/redact.ts";
import { buildWakeAnswer } from "./wake-answer.ts";
import type { WakeSituation } from "./wake-answer.ts";

const title = "Jupyter Lab";
const plain = {
  "Content-Type": "application/json; charset=utf-8",
  "Cache-Control": "no-store",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};

describe("the wake table", () => {
  test.each<[string, WakeSituation, number, Record<string, string>, string]>([
    [
      "no password",
      { kind: "no-password" },
      400,
      {},
      '{"message": "URL must contain a \\"pass\\" query string!"}',
    ],
    ["wrong one", { kind: "wrong-password" }, 403, {}, '{"message": "Wrong password."}'],
    [
      "a preview",
      { kind: "not-asked", title, state: "asleep" },
      503,
      {},
      '{"message": "Jupyter Lab is asleep; a preview does not wake it.", "state": "asleep", "url": null, "eta_seconds": null}',
    ],
    [
      "too many attempts",
      { kind: "throttled", retryAfterSeconds: 16 },
      429,
      { "Retry-After": "16" },
      '{"message": "Too many attempts. Try again in 16 s."}',
    ],
  ])("%s, to the byte", (_, situation, status, headers, body) => {
    expect(buildWakeAnswer(situation)).toEqual({ status, headers: { ...plain, ...headers }, body });
  });

  test.each<["asleep" | "waking" | "sleeping"]>([["asleep"], ["waking"], ["sleeping"]])(
    "%s: 200 with the seed's sentence",
    (state) => {
      const answer = buildWakeAnswer({ kind: "starting", state, title, earlierMs: [] });
      expect(answer.status).toBe(200);
      expect(answer.headers).toEqual({ ...plain, "Retry-After": "5" });
      expect(answer.body).toMatch(
        /^\{"message": "Jupyter Lab will start in 1-3 min\. Wait and reload this request to get the access URL\.", /,
      );
      expect(JSON.parse(answer.body)).toEqual({
        message: "Jupyter Lab will start in 1-3 min. Wait and reload this request to get the access URL.",
        state,
        url: null,
        eta_seconds: null,
      });
    },
  );

  test("a lab that wakes in two seconds says so", () => {
    const answer = buildWakeAnswer({
      kind: "starting",
      state: "waking",
      title,
      earlierMs: [2100, 1900],
      elapsedMs: 500,
    });
    expect(answer.headers["Retry-After"]).toBe("2");
    expect(JSON.parse(answer.body)).toEqual({
      message: "Jupyter Lab will start in 2 s. Wait and reload this request to get the access URL.",
      state: "waking",
      url: null,
      eta_seconds: 2,
    });
  });

  test.each<[number | null, string]>([
    [40 * 60_000, "it will be inactive again when idle for 40 min."],
    [90 * 60_000, "it will be inactive again when idle for 90 min."],
    [60_000, "it will be inactive again when idle for 1 min."],
    [10_000, "it will be inactive again when idle for 10 s."],
    [90_000, "it will be inactive again when idle for 90 s."],
    [null, "it stays active until it is put to sleep."],
  ])("awake, idle after %s ms", (idleMs, remember) => {
    const url = "http://127.0.0.1:8471/lab";
    const answer = buildWakeAnswer({ kind: "awake", title, url, idleMs });
    expect(answer).toMatchObject({ status: 200, headers: plain });
    expect(JSON.parse(answer.body)).toEqual({
      message: `Jupyter Lab already running at ${url}. Remember: ${remember}`,
      state: "awake",
      url,
      eta_seconds: 0,
    });
  });

  test("awake behind a certificate of its own: which one", () => {
    const [url, fingerprint] = ["https://203.0.113.10:8443/lab", "AB:CD"];
    const answer = buildWakeAnswer({ kind: "awake", title, url, idleMs: null, fingerprint });
    expect(JSON.parse(answer.body)).toMatchObject({ state: "awake", url, fingerprint });
  });

  test("delayed: 503, when to ask again, and no state", () => {
    const reason = "AWS is asked too often right now";
    const answer = buildWakeAnswer({ kind: "delayed", title, reason, retryAfterSeconds: 5 });
    expect(answer).toMatchObject({ status: 503, headers: { ...plain, "Retry-After": "5" } });
    expect(JSON.parse(answer.body)).toEqual({
      message: "Jupyter Lab cannot be woken right now: AWS is asked too often right now.",
      state: null,
      url: null,
      eta_seconds: null,
    });
  });

  test("failed: one line, one full stop, nothing secret, and when a GET tries again", () => {
    protect("hunter2-canary");
    const reason = "exit status 1:\n  token hunter2-canary\n refused..";
    const answer = buildWakeAnswer({ kind: "failed", title, reason, retryAfterSeconds: 42 });
    expect(answer).toMatchObject({ status: 503, headers: { ...plain, "Retry-After": "42" } });
    expect(JSON.parse(answer.body).message).toBe(
      "Jupyter Lab failed to start: exit status 1: token [redacted] refused.",
    );
  });

  test("absent: what `up` still has to do", () => {
    const answer = buildWakeAnswer({ kind: "absent", title, todo: "run `sesta up notebook`" });
    expect(answer).toMatchObject({ status: 503, headers: plain });
    expect(JSON.parse(answer.body)).toMatchObject({
      message: "Jupyter Lab is not up yet: run `sesta up notebook`.",
      state: "absent",
    });
  });

  test("every answer is JSON and keeps itself out of caches", () => {
    const answer = buildWakeAnswer({ kind: "failed", title: 'A "lab"', reason: "\u2028</script>\\" });
    expect(JSON.parse(answer.body).message).toContain('A "lab" failed to start: </script>\\');
    expect(answer.headers).toMatchObject({ "Cache-Control": "no-store" });
  });
});
