// A bucket that speaks S3 on loopback and checks signatures: moto's server, from PyPI, kept between runs.
import { findMoto, startMoto } from "./moto.ts";

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

/** What starts one, or why there is none. */
export function findBucketServer(): (() => Promise<Bucket>) | string {
  const found = findMoto();
  return typeof found === "string" ? found : () => start(found.python);
}

async function start(python: string): Promise<Bucket> {
  const { lines: printed, tell, end } = startMoto(python, "bucket.py");
  const lines = printed[Symbol.asyncIterator]();
  const read = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error("the bucket's server has ended");
    return JSON.parse(value) as unknown;
  };
  const ask = (what: string) => {
    tell(what);
    return read();
  };
  return {
    ...((await read()) as Key & { url: string }),
    list: async () => (await ask("list")) as string[],
    put: async (name, text) => void (await ask(JSON.stringify({ [name]: text }))),
    replaceKey: async () => (await ask("key")) as Key,
    end,
  };
}
