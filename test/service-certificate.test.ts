// A service with certificate files of its own: what clients that trust its CA meet, and what a deploy makes of other files.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { request, type RequestOptions } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { killHard, until } from "./faults/support/processes.ts";
import { createJobProject, listTree, type JobProject } from "./support/job-project.ts";
import { findFreePort } from "./support/running-lab.ts";
import type { ReleaseJson } from "./support/service-project.ts";

type Answer = { status: number; body: string; serial: string };

const missing = spawnSync("openssl", ["version"]).error ? "openssl is not installed" : "";
if (missing !== "") console.warn(`skipped: ${missing}`);

const app = `import { createServer } from "node:http";
createServer(({ headers }, response) => {
  const { host, "x-forwarded-proto": proto, "x-forwarded-for": from } = headers;
  response.end(JSON.stringify({ host, proto, from }));
}).listen(process.env.PORT, "127.0.0.1");
`;

describe.skipIf(missing !== "")("a service with a certificate", { timeout: 60_000 }, () => {
  let project: JobProject;
  let authority: ReturnType<typeof createAuthority>;
  let port: number;

  const ask = (more: RequestOptions = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const at = { host: "localhost", port, ca: authority.cert, agent: false, ...more };
      const outgoing = request(at, (answer) => {
        const { serialNumber } = (answer.socket as TLSSocket).getPeerCertificate();
        let body = "";
        answer.setEncoding("utf8").on("data", (piece) => (body += piece));
        answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body, serial: serialNumber }));
      });
      outgoing.once("error", reject).end();
    });
  /** Serial numbers, or what went wrong, of requests before, during and after it. */
  const underLoad = async (change: () => Promise<unknown>): Promise<string[]> => {
    const seen: string[] = [];
    const over = new AbortController();
    const load = [1, 2, 3, 4].map(async () => {
      while (!over.signal.aborted)
        seen.push(
          await ask().then(
            ({ serial }) => serial,
            (error: unknown) => String(error),
          ),
        );
    });
    await until(() => seen.length > 8, "nobody is answered");
    await change();
    const so = seen.length;
    await until(() => seen.length > so + 8, "nobody is answered any more");
    over.abort();
    await Promise.all(load);
    return seen;
  };
  const put = ({ cert, key }: { cert: string; key: string }) => {
    project.write("tls/chain.pem", cert);
    project.write("tls/own.pem", key);
  };
  const numbers = async () =>
    (await project.json<{ releases: ReleaseJson[] }>(["releases", "iris"])).releases.map(
      ({ number, state }) => `${number} ${state}`,
    );

  beforeAll(async () => {
    authority = createAuthority();
    port = await findFreePort();
    project = await createJobProject({
      yaml:
        "name: certified\nworkloads:\n  iris:\n    type: service\n    command: exec node app.mjs\n    health: /\n" +
        `    port: ${port}\n    certificate: { cert: tls/chain.pem, key: tls/own.pem }\n`,
    });
    project.write("app.mjs", app);
    put(authority.issue());
    await project.must(["up", "-y"]);
  }, 60_000);
  afterAll(async () => {
    await project?.end();
    authority?.end();
  }, 60_000);

  test("who trusts its CA is answered, and the app is told that it was https, whatever the client says", async () => {
    const { url } = await project.workload("iris");
    expect(url).toBe(`https://127.0.0.1:${port}`);
    for (const host of ["localhost", "127.0.0.1"]) {
      const headers = { "x-forwarded-proto": "http", "x-forwarded-for": "192.0.2.7" };
      const { status, body } = await ask({ host, headers });
      expect([status, JSON.parse(body)]).toEqual([
        200,
        { host: `${host}:${port}`, proto: "https", from: "127.0.0.1" },
      ]);
    }
    await expect(ask({ ca: undefined })).rejects.toThrow(/unable to verify|self-signed|local issuer/);
    await expect(ask({ servername: "other.test" })).rejects.toThrow(/does not match/);
  });

  test("T4: the key is in no release's files, and what the release keeps of it only its user reads", () => {
    const release = project.path(".sesta", "agent", "services", "iris", "1");
    expect(listTree(join(release, "tree"))).toEqual(["app.mjs", "sesta.yaml", "tls/chain.pem"]);
    const kept = join(release, "certificate.json");
    expect([existsSync(kept), statSync(kept).mode & 0o777, statSync(release).mode & 0o777]).toEqual([
      true,
      0o600,
      0o700,
    ]);
  });

  test("another certificate is what connections meet after the next deploy, also after a rollback and for the agent's successor", async () => {
    const { serial: first } = await ask();
    put(authority.issue());
    expect((await ask()).serial).toBe(first);
    const seen = await underLoad(() => project.must(["deploy", "iris", "-y"]));
    const { serial: second, status } = await ask();
    expect([...new Set(seen)].toSorted()).toEqual([first, second].toSorted()); // and no request failed
    expect([second === first, status, await numbers()]).toEqual([false, 200, ["2 live", "1 replaced"]]);
    await project.must(["rollback", "iris", "-y"]);
    expect([(await ask()).serial, await numbers()]).toEqual([second, ["2 replaced", "1 live"]]);
    const { agent_pid: pid } = await project.workload("iris");
    await killHard(pid ?? 0);
    await project.must(["up", "-y"]);
    const { serial } = await until(() => ask().catch(() => undefined), "it does not answer again");
    expect(serial).toBe(second);
  });

  test("a key of another certificate, and a file that is none, are refused: what is live stays", async () => {
    const { serial } = await ask();
    const before = await numbers();
    const [one, other] = [authority.issue(), authority.issue()];
    for (const files of [
      { cert: one.cert, key: other.key },
      { cert: "no certificate\n", key: one.key },
    ]) {
      put(files);
      for (const verb of ["deploy", "up", "plan"]) {
        const argv = verb === "plan" ? [verb, "iris"] : [verb, "iris", "-y"];
        const { code, stderr } = await project.sesta(argv);
        expect([verb, code]).toEqual([verb, 2]);
        expect(stderr).toContain("The certificate of iris cannot be used");
        expect(stderr).toContain("tls/chain.pem, tls/own.pem");
        expect(stderr).toContain("the key is that of the certificate");
        expect(stderr).not.toContain("PRIVATE KEY");
      }
    }
    expect([(await ask()).serial, await numbers()]).toEqual([serial, before]);
    put(one);
    await project.must(["deploy", "iris", "-y"]);
    expect((await ask()).serial).not.toBe(serial);
  });
});

/** A CA of the test's own, whose certificates are for localhost and 127.0.0.1. */
function createAuthority() {
  const folder = mkdtempSync(join(tmpdir(), "sesta-authority-"));
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  const openssl = (...argv: string[]) => execFileSync("openssl", argv, { cwd: folder, stdio: "ignore" });
  const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const named = ["-subj", "/CN=Sesta test CA", "-addext", "keyUsage=critical,keyCertSign"];
  openssl("req", "-x509", ...curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", ...named);
  writeFileSync(join(folder, "names"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
  let count = 0;
  return {
    cert: read("ca.pem"),
    /** Each time another one. */
    issue() {
      count += 1;
      openssl("req", ...curve, "-keyout", "own.key", "-out", "own.csr", "-subj", "/CN=localhost");
      const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", String(1000 + count)];
      openssl("x509", "-req", "-in", "own.csr", ...by, "-days", "1", "-extfile", "names", "-out", "own.pem");
      return { cert: read("own.pem"), key: read("own.key") };
    },
    end: () => rmSync(folder, { recursive: true }),
  };
}
