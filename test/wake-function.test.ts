// The wake function as Lambda runs it, out of its zip, before a real EC2 API: the contract, and what it never does.
import { generateKeyPairSync } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleWake } from "../scripts/bundle-wake.ts";
import { hashPassword } from "../src/front/password.ts";
import { signNotice, signatureHeader } from "../src/front/ready-notice.ts";
import { buildWakeVariables } from "../src/model/wake-function.ts";
import { findEc2Server, type Ec2Server } from "./support/ec2.ts";
import { startLambda, type Lambda, type Request } from "./support/lambda.ts";

const found = findEc2Server();
const missing = typeof found === "string" ? found : "";
if (missing !== "") console.warn(`wake-function.test.ts is skipped: ${missing}`);

const password = "canary-pass-4417 ü";
const form = { "content-type": "application/x-www-form-urlencoded" };
const keys = generateKeyPairSync("ed25519");
const fingerprint = Array<string>(32).fill("A7").join(":");
const bootId = "0f6fe2b9-2f0c-4a7d-9d3e-5a1d6b0c7e11";

test("equal sources give equal bytes, in one file far below 300 KB", async () => {
  const [one, other] = [await bundleWake(), await bundleWake()];
  expect(Buffer.from(one.zip).equals(other.zip)).toBe(true);
  expect(one.hash).toMatch(/^[\w+/]{43}=$/);
  expect(one.zip.length).toBeLessThan(300_000);
});

describe.skipIf(missing !== "")("the wake function", () => {
  let zip: Uint8Array;
  let passwordHash: string;
  let ec2: Ec2Server;
  let lambda: Lambda;

  const variables = (): Record<string, string> => ({
    AWS_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: ec2.id,
    AWS_SECRET_ACCESS_KEY: ec2.secret,
    AWS_SESSION_TOKEN: ec2.token,
    AWS_ENDPOINT_URL_EC2: ec2.url,
    SESTA_INSTANCE: instance,
    ...buildWakeVariables({
      workload: "notebook",
      title: "Jupyter Lab",
      home: "/lab",
      idleMs: 40 * 60_000,
      port: 8443,
      domain: null,
      passwordHash,
      readyKey: keys.publicKey.export({ format: "der", type: "spki" }).toString("base64"),
      allow: ["203.0.113.0/24", "2001:db8:7::/48"],
    }),
  });

  let instance: string;

  beforeAll(async () => {
    if (typeof found === "string") return;
    ({ zip } = await bundleWake());
    passwordHash = await hashPassword(password);
    ec2 = await found();
  });
  afterAll(() => ec2?.end());
  beforeEach(async () => {
    ({ instance } = await ec2.act("next"));
    ec2.asked.length = 0;
    ec2.refusals.clear();
    lambda = await startLambda(zip, variables());
  });
  afterEach(async () => {
    const log = lambda.log();
    await lambda.end();
    for (const secret of [password, encodeURIComponent(password), "guess-", ec2.secret, ec2.token])
      expect(log).not.toContain(secret);
    for (const secret of [password, encodeURIComponent(password), "guess-"])
      expect(ec2.seen.join("\n")).not.toContain(secret);
  });

  const right = (request: Request = {}): Request => ({
    query: `pass=${encodeURIComponent(password)}`,
    ...request,
  });
  const start = async (request: Request = right(), path = "/start") => {
    const { statusCode: status, headers, body } = await lambda.ask(path, request);
    const fields = body === "" ? {} : (JSON.parse(body) as Record<string, unknown>);
    return { status, headers, body, ...fields } as {
      status: number;
      headers: Record<string, string>;
    } & Record<string, unknown>;
  };
  const ready = (change: Partial<Parameters<typeof signNotice>[0]> = {}, key = keys.privateKey) => {
    const { body, signature } = signNotice({ bootId, at: Date.now(), fingerprint, ...change }, key);
    return start({ method: "POST", body, headers: { [signatureHeader]: signature } }, "/ready");
  };
  const willStart = "Jupyter Lab will start in 1-3 min. Wait and reload this request to get the access URL.";
  const starting = (state: string) => ({ status: 200, message: willStart, state, url: null });
  const starts = () => ec2.asked.filter((action) => action === "StartInstances").length;

  test("asleep, waking, awake, and asleep again: the mark of an earlier start says nothing", async () => {
    expect(await start()).toMatchObject({ ...starting("waking"), headers: { "Retry-After": "5" } });
    expect(await ec2.act("look")).toMatchObject({ state: "running", tags: {} });
    expect(await start()).toMatchObject(starting("waking"));
    expect(await ready()).toMatchObject({ status: 200 });
    const { host, tags } = await ec2.act("look");
    expect(tags["sesta:ready"]).toMatch(new RegExp(`^${bootId} [\\dT:.-]+Z ${fingerprint}$`));
    const url = `https://${host}:8443/lab`;
    expect(await start()).toMatchObject({
      status: 200,
      message: `Jupyter Lab already running at ${url}. Remember: it will be inactive again when idle for 40 min.`,
      state: "awake",
      url,
      eta_seconds: 0,
      fingerprint,
    });
    await ec2.act("stop");
    expect(await start()).toMatchObject(starting("waking"));
    expect(await ec2.act("look")).toMatchObject({ state: "running", tags: {} });
    expect(starts()).toBe(2);
    expect(ec2.asked.indexOf("DeleteTags")).toBe(ec2.asked.lastIndexOf("StartInstances") - 1);
  });

  test("a machine that somebody started by other means is awake only by its own word", async () => {
    await ec2.act("start 0");
    await ready();
    await ec2.act("stop");
    await ec2.act("start 60");
    expect((await ec2.act("look")).tags["sesta:ready"]).toContain(bootId);
    expect(await start()).toMatchObject(starting("waking"));
    expect(await ready()).toMatchObject({ status: 409 });
    expect(await ready({ at: Date.now() + 120_000 })).toMatchObject({ status: 200 });
    expect(await start()).toMatchObject({ state: "awake" });
    expect(starts()).toBe(0);
  });

  test("pending will start; stopping starts at a later request; ended or unknown is absent", async () => {
    await ec2.act("state pending");
    expect(await start()).toMatchObject(starting("waking"));
    await ec2.act("state stopping");
    expect(await start()).toMatchObject({ ...starting("sleeping"), headers: { "Retry-After": "5" } });
    expect(starts()).toBe(0);
    await ec2.act("stop");
    expect(await start()).toMatchObject(starting("waking"));
    const absent = {
      status: 503,
      message: "Jupyter Lab is not up yet: `sesta up notebook` has to bring it up.",
      state: "absent",
    };
    await ec2.act("terminate");
    expect(await start()).toMatchObject(absent);
    const other = await startLambda(zip, { ...variables(), SESTA_INSTANCE: "i-0123456789abcdef0" });
    const { statusCode, body } = await other.ask("/start", right());
    await other.end();
    expect({ status: statusCode, ...JSON.parse(body) }).toMatchObject(absent);
  });

  test("the password in each place, by the workload's name too", async () => {
    const encoded = new URLSearchParams({ pass: password }).toString();
    const ways: Request[] = [
      { query: encoded },
      { headers: { authorization: `Bearer ${password}` } },
      { headers: { authorization: `Bearer ${Buffer.from(password).toString("latin1")}` } },
      { method: "POST", headers: { authorization: `Bearer ${password}` } },
      { method: "POST", headers: form, body: encoded },
      { method: "POST", headers: form, body: encoded.replace("pass", "password") },
    ];
    for (const way of ways)
      for (const path of ["/start", "/notebook/start"])
        expect(await start(way, path)).toMatchObject(starting("waking"));
    expect(starts()).toBe(1);
  });

  test("without a password or with a wrong one nothing is asked of EC2; guesses are slowed", async () => {
    const noPassword = '{"message": "URL must contain a \\"pass\\" query string!"}';
    expect(await start({})).toMatchObject({ status: 400, body: noPassword });
    expect(await start({ query: "pass=guess-1&pass=guess-2" })).toMatchObject({ status: 400 });
    const wrong = { status: 403, body: '{"message": "Wrong password."}' };
    expect(await start({ query: "pass=guess-1" })).toMatchObject(wrong);
    expect(await start(right(), "/elsewhere/start")).toMatchObject(wrong);
    for (let guess = 2; guess < 5; guess++)
      expect(await start({ query: `pass=guess-${guess}` })).toMatchObject(wrong);
    // On a slow machine a second has gone by; then the next one is two.
    let refused = await start({ query: "pass=guess-5" });
    for (let guess = 6; refused.status === 403 && guess < 12; guess++)
      refused = await start({ query: `pass=guess-${guess}` });
    expect(refused).toMatchObject({
      status: 429,
      message: expect.stringMatching(/^Too many attempts\. Try again in \d+ s\.$/) as string,
      headers: { "Retry-After": expect.stringMatching(/^\d+$/) as string },
    });
    expect(ec2.asked).toEqual([]);
    expect(await start(right({ from: "203.0.113.99" }))).toMatchObject(starting("waking"));
  });

  test("T1: HEAD, prefetch and link previews do not wake, not even with the password", async () => {
    const looks: Request[] = [
      { headers: { "sec-purpose": "prefetch;prerender" } },
      { headers: { purpose: "prefetch" } },
      { headers: { "user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)" } },
      { headers: { "user-agent": "WhatsApp/2.23.20.0" } },
    ];
    for (const look of looks)
      expect(await start(right(look))).toMatchObject({
        status: 503,
        message: "Jupyter Lab is asleep; a preview does not wake it.",
        state: "asleep",
      });
    expect(await start(right({ method: "HEAD" }))).toMatchObject({ status: 503, body: "" });
    expect([...new Set(ec2.asked)]).toEqual(["DescribeInstances"]);
  });

  test("who is not on the list is told nothing, whatever the password; other paths are nothing", async () => {
    const refused = { status: 403, body: '{"message":"Forbidden"}' };
    for (const from of ["198.51.100.7", "2001:db8:8::1", "::ffff:198.51.100.7", "", "unknown"])
      for (const request of [right({ from }), { from }]) expect(await start(request)).toMatchObject(refused);
    expect(ec2.asked).toEqual([]);
    for (const from of ["203.0.113.250", "::ffff:203.0.113.7", "2001:db8:7:1::1"])
      expect(await start(right({ from }))).toMatchObject(starting("waking"));
    for (const path of ["/", "/a/b/start", "/notebook/stop"])
      expect(await start(right(), path)).toMatchObject({ status: 404 });
  });

  test("a hundred requests at once start one machine", async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => start()));
    for (const answer of answers) expect(answer).toMatchObject(starting("waking"));
    expect(starts()).toBe(1);
  });

  test("EC2 asked too often, broken or away: 503, when to ask again, and no word of how", async () => {
    const delayed = (reason: string) => ({
      status: 503,
      message: `Jupyter Lab cannot be woken right now: ${reason}.`,
      state: null,
      headers: { "Retry-After": "5" },
    });
    const refuse = (action: string, code: string, status = 503, times = 1) =>
      ec2.refusals.set(action, { code, status, times });
    refuse("DescribeInstances", "RequestLimitExceeded");
    expect(await start()).toMatchObject(delayed("AWS is asked too often right now"));
    refuse("DescribeInstances", "InternalError", 500);
    expect(await start()).toMatchObject(delayed("AWS does not answer right now"));
    refuse("DescribeInstances", "reset");
    expect(await start()).toMatchObject(delayed("AWS does not answer right now"));
    refuse("StartInstances", "RequestLimitExceeded");
    expect(await start()).toMatchObject(delayed("AWS is asked too often right now"));
    expect(await start()).toMatchObject(starting("waking"));
    expect(lambda.log()).toContain('"code":"RequestLimitExceeded"');
    expect(lambda.log()).not.toMatch(/\bat .*:\d+:\d+/);
  });

  test("of several functions at once EC2 starts for one and refuses the others: they say what is", async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => startLambda(zip, variables())));
    const askAll = () => Promise.all([lambda, ...others].map((one) => one.ask("/start", right())));
    ec2.refusals.set("StartInstances", { code: "RequestLimitExceeded", status: 503, times: 4 });
    const answers = await askAll();
    expect(answers.map(({ statusCode }) => statusCode)).toContain(200);
    for (const { statusCode, body } of answers)
      expect(body).toContain(statusCode === 200 ? willStart : "AWS is asked too often right now");
    for (const { body } of await askAll()) expect(body).toContain(willStart);
    await Promise.all(others.map((one) => one.end()));
    expect(await ec2.act("look")).toMatchObject({ state: "running" });
  });

  test("a machine that cannot be had: it says why, tries again at once by POST, by GET after a minute", async () => {
    ec2.refusals.set("StartInstances", { code: "InsufficientInstanceCapacity", status: 500, times: 2 });
    const failed = {
      status: 503,
      message: "Jupyter Lab failed to start: AWS has no machine of its type free right now.",
      state: "failed",
    };
    expect(await start()).toMatchObject({ ...failed, headers: { "Retry-After": "60" } });
    expect(await start()).toMatchObject(failed);
    expect(starts()).toBe(1);
    const post = { method: "POST", headers: { authorization: `Bearer ${password}` } };
    expect(await start(post)).toMatchObject(failed);
    expect(await start(post)).toMatchObject(starting("waking"));
    expect(starts()).toBe(3);
  });

  test("keys that EC2 does not take: no word of the account", async () => {
    const wrong = await startLambda(zip, { ...variables(), AWS_SECRET_ACCESS_KEY: "another" });
    const { statusCode, body } = await wrong.ask("/start", right());
    await wrong.end();
    expect([statusCode, JSON.parse(body)]).toMatchObject([
      503,
      {
        message: expect.stringMatching(
          /^Jupyter Lab cannot be woken right now: AWS refused it \([\w ]+\)\.$/,
        ),
      },
    ]);
  });

  test("a notice is taken from the machine alone, fresh, and while it runs; from any address", async () => {
    expect(await ready()).toMatchObject({ status: 409 });
    await ec2.act("start 0");
    const stranger = generateKeyPairSync("ed25519").privateKey;
    expect(await ready({}, stranger)).toMatchObject({ status: 403, message: "Wrong signature." });
    expect(await ready({ at: Date.now() - 301_000 })).toMatchObject({ status: 403 });
    expect(await ready({ at: Date.now() + 301_000 })).toMatchObject({ status: 403 });
    expect(await ready({ at: Date.now() - 240_000 })).toMatchObject({ status: 409 });
    expect(await ready({ bootId: "no boot id" })).toMatchObject({ status: 400 });
    const { body, signature } = signNotice({ bootId, at: Date.now(), fingerprint }, keys.privateKey);
    const post = (change: Request) =>
      start({ method: "POST", body, headers: { [signatureHeader]: signature }, ...change }, "/ready");
    expect(await post({ body: `${body} ` })).toMatchObject({ status: 403 });
    expect(await post({ headers: {} })).toMatchObject({ status: 403 });
    expect(await post({ method: "GET" })).toMatchObject({ status: 404 });
    expect(await post({ body: "x".repeat(5_000) })).toMatchObject({ status: 400 });
    expect((await ec2.act("look")).tags).toEqual({});
    ec2.refusals.set("CreateTags", { code: "RequestLimitExceeded", status: 503, times: 1 });
    expect(await post({})).toMatchObject({ status: 503, headers: { "Retry-After": "5" } });
    expect(await post({ from: "198.51.100.7" })).toMatchObject({ status: 200 });
    expect((await ec2.act("look")).tags["sesta:ready"]).toContain(bootId);
  });
});
