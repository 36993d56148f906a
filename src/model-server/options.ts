// The command line of the model server.
import { availableParallelism } from "node:os";
import { basename, extname } from "node:path";
import { parseArgs } from "node:util";
import { messageOf, SestaError } from "../base/errors.ts";

export type Options = {
  model: string;
  name: string;
  version: string;
  host: string;
  /** 0 takes a free one. */
  port: number;
  workers: number;
  /** Folder of onnxruntime's native files; undefined: the package onnxruntime-node. */
  runtime: string | undefined;
  /** Rows that run at once at most; 1 for a model whose rows depend on each other. */
  maxBatch: number;
  maxBodyBytes: number;
  graceMs: number;
};

export const usage =
  "usage: model-server --model PATH [--name NAME] [--version V] [--port N | $PORT] [--host 127.0.0.1] [--workers N] " +
  "[--runtime FOLDER] [--max-batch 64] [--max-body BYTES] [--grace SECONDS]";

/** @throws SestaError USAGE */
export function parseOptions(argv: readonly string[], env: NodeJS.ProcessEnv): Options {
  const values = parse(argv);
  const { model } = values;
  if (model === undefined) throw new SestaError("USAGE", usage);
  return {
    model,
    name: values.name ?? basename(model, extname(model)),
    version: values.version ?? "1",
    host: values.host ?? "127.0.0.1",
    port: readNumber("--port", values.port ?? env["PORT"] ?? "8080", 0, 65_535),
    workers: readNumber("--workers", values.workers ?? String(availableParallelism()), 1, 1_024),
    runtime: values.runtime,
    maxBatch: readNumber("--max-batch", values["max-batch"] ?? "64", 1, 65_536),
    maxBodyBytes: readNumber("--max-body", values["max-body"] ?? "16777216", 1, 2 ** 30),
    graceMs: readNumber("--grace", values.grace ?? "30", 0, 86_400) * 1000,
  };
}

function parse(argv: readonly string[]) {
  const text = { type: "string" } as const;
  const options = {
    model: text,
    name: text,
    version: text,
    host: text,
    port: text,
    workers: text,
    runtime: text,
    "max-batch": text,
    "max-body": text,
    grace: text,
  };
  try {
    return parseArgs({ args: [...argv], options }).values;
  } catch (error) {
    throw new SestaError("USAGE", `${messageOf(error)}; ${usage}`);
  }
}

function readNumber(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new SestaError("USAGE", `${name} must be a whole number from ${min} to ${max}; got ${text}`);
}
