// A bucket that speaks S3 on loopback and checks signatures: moto's server, from PyPI, kept between runs.
import { spawn } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { anyPython, buildVenv } from "../../src/commands/uv.ts";
import { findUv, makeTestFolder, run } from "./lab-environment.ts";

export type Key = { id: string; secret: string };

export type Bucket = Key & {
  url: string;
  /** The names of what is in it. */
  list(): Promise<string[]>;
  put(name: string, text: string): Promise<void>;
  /** Another key, in the place of the one before. */
  replaceKey(): Promise<Key>;
  end(): Promise<void>;
};

const server = "moto[s3,server]==5.2.5";

/** What starts one, or why there is none. */
export function findBucketServer(): (() => Promise<Bucket>) | string {
  const folder = makeTestFolder();
  const uv = findUv(folder);
  if (uv === undefined) return "uv is not on PATH and `python3 -m pip` could not install it";
  const environment = join(folder, server.replaceAll(/\W+/g, "-"));
  const python = join(environment, "bin", "python");
  if (!existsSync(join(environment, "complete"))) {
    const failed =
      run(buildVenv(uv, anyPython, environment)) ??
      run([uv, "pip", "install", "--python", python, "--", server]);
    if (failed !== undefined) return `${server} could not be installed: ${failed}`;
    writeFileSync(join(environment, "complete"), "");
  }
  return () => start(python);
}

async function start(python: string): Promise<Bucket> {
  const child = spawn(python, [new URL("bucket.py", import.meta.url).pathname], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the bucket's server has ended");
    return JSON.parse(value) as unknown;
  };
  const ask = (what: string) => {
    child.stdin.write(`${what}\n`);
    return read();
  };
  return {
    ...((await read()) as Key & { url: string }),
    list: async () => (await ask("list")) as string[],
    put: async (name, text) => void (await ask(JSON.stringify({ [name]: text }))),
    replaceKey: async () => (await ask("key")) as Key,
    end() {
      child.stdin.end();
      return ended;
    },
  };
}
