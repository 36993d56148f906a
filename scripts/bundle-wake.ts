// The wake function for AWS Lambda as one file in a zip; as a program of its own it writes the zip where it is told.
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import process from "node:process";
import { build } from "esbuild";
import { zipSync } from "fflate";
import { bundleOptions } from "./bundle-agent.ts";

export type WakeBundle = {
  zip: Uint8Array;
  /** SHA-256 of it in base64, as Terraform's `source_code_hash` takes it. */
  hash: string;
};

/** The time in the zip: its format knows none before 1980. */
const mtime = new Date(1980, 0, 1);
/** Of a plain file that everybody may read, where zip keeps Unix modes; Lambda runs as somebody else. */
const attrs = 0o100644 << 16;

/** Equal sources give equal bytes. */
export async function bundleWake(): Promise<WakeBundle> {
  const { outputFiles } = await build({
    ...bundleOptions,
    target: "node22",
    minify: true,
    entryPoints: ["src/functions/lambda.ts"],
    legalComments: "inline",
    write: false,
  });
  const text = outputFiles[0]?.contents ?? new Uint8Array();
  const zip = zipSync({ "index.mjs": [text, { mtime, os: 3, attrs, level: 9 }] });
  return { zip, hash: createHash("sha256").update(zip).digest("base64") };
}

if (import.meta.main) {
  const { zip, hash } = await bundleWake();
  await writeFile(process.argv[2] ?? "wake.zip", zip);
  process.stdout.write(`${hash}\n`);
}
