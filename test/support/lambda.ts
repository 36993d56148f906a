// AWS Lambda and API Gateway's HTTP API around a zip: a process with nothing but the function's own variables.
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync } from "fflate";
import type { LambdaEvent, LambdaResult } from "../../src/functions/lambda-event.ts";

export type Request = {
  method?: string;
  query?: string;
  headers?: Readonly<Record<string, string>>;
  body?: string;
  from?: string;
};

export type Lambda = {
  ask(path: string, request?: Request): Promise<LambdaResult>;
  /** All that it has printed: its log. */
  log(): string;
  end(): Promise<void>;
};

export async function startLambda(
  zip: Uint8Array,
  variables: Readonly<Record<string, string>>,
): Promise<Lambda> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-lambda-"));
  for (const [name, content] of Object.entries(unzipSync(zip))) writeFileSync(join(folder, name), content);
  const child = fork(join(import.meta.dirname, "lambda-main.ts"), [join(folder, "index.mjs")], {
    env: { ...variables },
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  let printed = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding("utf8").on("data", (text) => (printed += text));
  const ended = once(child, "close");
  const waiting = new Map<number, (result: LambdaResult) => void>();
  let count = 0;
  const ready = once(child, "message");
  await Promise.race([
    ready,
    ended.then(() => {
      throw new Error(`the function did not load: ${printed}`);
    }),
  ]);
  child.on("message", ({ id, result }: { id: number; result: LambdaResult }) => waiting.get(id)?.(result));
  return {
    ask(path, request) {
      const id = count++;
      child.send({ id, event: buildEvent(path, request) });
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    log: () => printed,
    async end() {
      child.kill();
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Payload format 2.0, whole, as API Gateway sends it. @param path below the stage: "/start" */
export function buildEvent(
  path: string,
  { method = "GET", query = "", headers = {}, body, from = "203.0.113.7" }: Request = {},
): LambdaEvent & Record<string, unknown> {
  const rawPath = `/v1${path}`;
  return {
    version: "2.0",
    routeKey: `${method} ${path}`,
    rawPath,
    rawQueryString: query,
    headers: {
      accept: "*/*",
      "content-length": String(Buffer.byteLength(body ?? "")),
      host: "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
      "user-agent": "curl/8.5.0",
      "x-amzn-trace-id": "Root=1-674873ab-0123456789abcdef01234567",
      "x-forwarded-for": from,
      "x-forwarded-port": "443",
      "x-forwarded-proto": "https",
      ...headers,
    },
    ...(query !== "" && { queryStringParameters: Object.fromEntries(new URLSearchParams(query)) }),
    requestContext: {
      accountId: "123456789012",
      apiId: "a1b2c3d4e5",
      domainName: "a1b2c3d4e5.execute-api.us-east-1.amazonaws.com",
      domainPrefix: "a1b2c3d4e5",
      http: { method, path: rawPath, protocol: "HTTP/1.1", sourceIp: from, userAgent: "curl/8.5.0" },
      requestId: "CAKEEhCeoAMEJ5g=",
      routeKey: `${method} ${path}`,
      stage: "v1",
      time: "28/Nov/2026:13:00:00 +0000",
      timeEpoch: 1_795_870_800_000,
    } as LambdaEvent["requestContext"],
    // API Gateway encodes what it does not take for text, forms among it.
    ...(body !== undefined && { body: Buffer.from(body).toString("base64") }),
    isBase64Encoded: body !== undefined,
  };
}
