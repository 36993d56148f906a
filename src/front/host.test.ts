// Host headers: which name this server, and how they are compared.
import { describe, expect, test } from "vitest";
import { findHostName, isKnownHost, isLoopbackName } from "./host.ts";

const allowed = new Set(["localhost", "127.0.0.1", "[::1]", "lab.example.org"]);

describe("T7: hosts", () => {
  test.each([
    "localhost",
    "localhost:8470",
    "LOCALHOST:1",
    "localhost.:8470",
    "127.0.0.1:8471",
    "[::1]",
    "[::1]:8470",
    "Lab.Example.org",
    "lab.example.org.:443",
  ])("%s is ours", (host) => expect(isKnownHost(host, allowed)).toBe(true));

  test.each([
    undefined,
    "",
    ".",
    ":8470",
    "evil.example",
    "localhost.evil.example",
    "evil-localhost",
    "xlab.example.org",
    "lab.example.org.evil.example",
    "lab.example.org..",
    "lab..example.org",
    "127.0.0.1.nip.io",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0.0.0.0:8470",
    "::1",
    "[::1",
    "[::1]x",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "localhost:",
    "localhost:84x",
    "localhost:8470:8470",
    "localhost:847000",
    "user@localhost",
    "localhost@evil.example",
    "localhost/evil",
    "localhost, evil.example",
    "localhost evil",
    " localhost",
    "localhost\t",
    "localhost\n",
    "localhost\u0000",
    "lo%63alhost",
    "ｌocalhost",
    "K8s.localhost",
    "http://localhost",
    "a".repeat(100_000),
  ])("%s is not", (host) => expect(isKnownHost(host, allowed)).toBe(false));

  test("names come in one spelling", () => {
    expect(findHostName("GPU_box.Lab.:80")).toBe("gpu_box.lab");
    expect(findHostName("[2001:DB8::1]:443")).toBe("[2001:db8::1]");
  });

  test.each([
    ["localhost", true],
    ["a.localhost", true],
    ["127.0.0.1", true],
    ["127.9.9.9", true],
    ["[::1]", true],
    ["127.0.0.1.example.org", false],
    ["notlocalhost", false],
    ["192.168.0.9", false],
    ["[::2]", false],
  ])("%s is this machine: %s", (name, loopback) => expect(isLoopbackName(name)).toBe(loopback));
});
