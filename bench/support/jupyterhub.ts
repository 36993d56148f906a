// JupyterHub beside Sesta: hub and proxy on loopback, servers as this user, spawned and ended by its API.
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePort } from "../../test/support/running-lab.ts";

export type Hub = {
  /** From the request to the first answer of the user's server through the proxy, in ms; the server is ended again. */
  wake(): Promise<number>;
  stop(): Promise<void>;
};

/** @param venv has jupyterhub and jupyterlab @param proxy path of configurable-http-proxy */
export async function startHub(venv: string, proxy: string): Promise<Hub> {
  const folder = mkdtempSync(join(tmpdir(), "sesta-hub-"));
  const token = randomBytes(24).toString("hex");
  const port = await findFreePort();
  mkdirSync(join(folder, "work"));
  writeFileSync(
    join(folder, "config.py"),
    config(port, await findFreePort(), await findFreePort(), token, proxy, venv, folder),
    {
      mode: 0o600,
    },
  );
  const { PYTHONDONTWRITEBYTECODE: _, ...env } = process.env;
  const hub = spawn(join(venv, "bin/jupyterhub"), ["-f", join(folder, "config.py")], {
    cwd: folder,
    env,
    stdio: "ignore",
  });
  const ended = once(hub, "exit");
  const base = `http://127.0.0.1:${port}`;
  const headers = { authorization: `token ${token}` };
  const ask = (path: string, method = "GET") =>
    fetch(base + path, { method, headers }).then(
      ({ status }) => status,
      () => 0,
    );
  const until = async (reached: () => Promise<boolean>, what: string) => {
    const began = performance.now();
    while (!(await reached())) {
      if (performance.now() - began > 60_000 || hub.exitCode !== null)
        throw new Error(`JupyterHub: ${what} took over 60 s`);
      await delay(10);
    }
  };
  const stop = async () => {
    hub.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(async () => (await ask("/hub/api/")) === 200, "its own start");
    await ask("/hub/api/users/ann", "POST");
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    stop,
    async wake() {
      const began = performance.now();
      await ask("/hub/api/users/ann/server", "POST");
      await until(async () => (await ask("/user/ann/api/status")) === 200, "a start");
      const took = performance.now() - began;
      await ask("/hub/api/users/ann/server", "DELETE");
      await until(async () => (await ask("/user/ann/api/status")) !== 200, "an end");
      await until(async () => (await ask("/hub/api/users/ann/server", "DELETE")) !== 202, "an end");
      return took;
    },
  };
}

function config(
  port: number,
  hubPort: number,
  proxyPort: number,
  token: string,
  proxy: string,
  venv: string,
  folder: string,
): string {
  return `
c.JupyterHub.bind_url = "http://127.0.0.1:${port}"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:${hubPort}"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:${proxyPort}"
c.ConfigurableHTTPProxy.command = [${JSON.stringify(proxy)}]
c.JupyterHub.log_level = "ERROR"
c.JupyterHub.db_url = "sqlite://"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "jupyterhub.spawner.SimpleLocalProcessSpawner"
c.SimpleLocalProcessSpawner.home_dir_template = ${JSON.stringify(join(folder, "work"))}
c.Spawner.cmd = [${JSON.stringify(join(venv, "bin/jupyterhub-singleuser"))}, "--allow-root"]
c.JupyterHub.services = [{"name": "bench", "api_token": "${token}"}]
c.JupyterHub.load_roles = [
    {"name": "bench", "scopes": ["admin:users", "admin:servers", "access:servers"], "services": ["bench"]}
]
`;
}
