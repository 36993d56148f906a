// What curl is told of a registry, and what is read out of its answers.
import { expect, test } from "vitest";
import {
  buildCurlConfig,
  isLoopback,
  readAnswer,
  readBearerChallenge,
  readRefusal,
} from "./registry-request.ts";

test("nothing of a value leaves its quotes", () => {
  const body = '{"a": "b\\n"}\n\tx';
  const config = buildCurlConfig({
    method: "PUT",
    url: "https://registry.lab/v2/a/manifests/1",
    headers: { authorization: 'Basic "\noutput = "/etc/x' },
    body,
    isPlain: false,
  });
  expect(config.split("\n")).toContain('header = "authorization: Basic \\"\\noutput = \\"/etc/x"');
  expect(config.split("\n")).toContain('data-binary = "{\\"a\\": \\"b\\\\n\\"}\\n\\tx"');
  expect(config).not.toMatch(/^(?:insecure|noproxy|output)/m);
  expect(buildCurlConfig({ method: "GET", url: "http://127.0.0.1:5000/v2/", isPlain: true })).toMatch(
    /^insecure\nnoproxy = "\*"$/m,
  );
});

test("an answer is its last head and its body", () => {
  const answer = readAnswer(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/2 201 \r\nDocker-Content-Digest: sha256:ab\r\nlocation: /v2/x\r\n\r\n{\n"a": 1}',
  );
  expect(answer?.status).toBe(201);
  expect([...(answer?.headers ?? [])]).toEqual([
    ["docker-content-digest", "sha256:ab"],
    ["location", "/v2/x"],
  ]);
  expect(answer?.body).toBe('{\n"a": 1}');
  expect(readAnswer("HTTP/1.1 204 No Content\r\nServer: x\r\n")?.status).toBe(204);
  expect(readAnswer("curl: what?")).toBe(undefined);
});

test("challenges and refusals", () => {
  const bearer = readBearerChallenge(
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"',
  );
  expect(Object.fromEntries(bearer ?? [])).toEqual({
    realm: "https://auth.docker.io/token",
    service: "registry.docker.io",
  });
  expect(readBearerChallenge('Basic realm="x"')).toBe(undefined);
  const refuse = (body: string) => readRefusal({ status: 403, headers: new Map(), body });
  expect(refuse('{"errors":[{"code":"DENIED","message":"not yours"},{"code":"OTHER"}]}')).toBe(
    "403: not yours; OTHER",
  );
  expect(refuse("<html><h1>Bad\n gateway</h1></html>")).toBe("403: Bad gateway");
  expect(refuse("")).toBe("403");
  expect(
    ["localhost", "127.0.0.9", "[::1]", "127.0.0.1.evil.example", "registry.lab"].map(isLoopback),
  ).toEqual([true, true, true, false, false]);
});
