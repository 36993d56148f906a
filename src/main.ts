#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
// The executable. What needs no verb is answered before anything is loaded.
import { enableCompileCache } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { version } from "./base/version.ts";
import { findCacheFolder } from "./cli/cache-folder.ts";

// Node's own place is in the shared /tmp, where somebody else could lay code ready.
enableCompileCache(join(findCacheFolder(process.env), "compiled"));
const [first] = process.argv.slice(2);

if (first === "--version" || first === "-v") process.stdout.write(`${version}\n`);
else if (first === "__complete") {
  const proposals = await (await import("./cli/complete.ts")).complete(process.argv.slice(3));
  process.stdout.write(proposals.map((text) => `${text}\n`).join(""));
} else await (await import("./cli/app.ts")).runApp(process.argv.slice(2));
