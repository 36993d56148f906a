// Events of API Gateway's HTTP API, payload format 2.0, as requests, and answers as it takes them.
import type { Answer, WakeRequest } from "./wake-request.ts";

/** What is used of it. (API Gateway Developer Guide, "AWS Lambda integrations for HTTP APIs") */
export type LambdaEvent = {
  version: "2.0";
  /** "GET /start", "$default". */
  routeKey: string;
  /** With the stage: "/v1/start". */
  rawPath: string;
  rawQueryString: string;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  requestContext: { stage: string; http: { method: string; sourceIp: string } };
  body?: string;
  isBase64Encoded: boolean;
};

export type LambdaResult = { statusCode: number; headers: Record<string, string>; body: string };

export function readEvent(event: LambdaEvent): WakeRequest {
  const { stage, http } = event.requestContext;
  const { headers, body = "" } = event;
  return {
    method: http.method,
    path: pathOf(event.rawPath, stage),
    query: event.rawQueryString,
    body: event.isBase64Encoded ? Buffer.from(body, "base64").toString("utf8") : body,
    address: http.sourceIp,
    host: headers["host"],
    encrypted: true,
    header: (name) => headers[name],
  };
}

export function toResult({ status, headers, body }: Answer): LambdaResult {
  return { statusCode: status, headers, body };
}

function pathOf(rawPath: string, stage: string): string {
  const prefix = `/${stage}/`;
  return rawPath.startsWith(prefix) ? rawPath.slice(prefix.length - 1) : rawPath;
}
