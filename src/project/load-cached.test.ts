// The cache of the parsed project: used without the parser, never stale, never trusted when it is not ours.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadProjectCached } from "./load-cached.ts";
import { loadProject } from "./load.ts";

let folder: string;
let cacheFolder: string;
let cache: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-cache-"));
  cacheFolder = join(folder, ".sesta");
  cache = join(cacheFolder, "project.json");
  mkdirSync(cacheFolder, { mode: 0o700 });
  writeFileSync(join(folder, "requirements.txt"), "pandas\n");
  write("workloads: { nb: { type: lab, requirements: requirements.txt } }");
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (more: string) => writeFileSync(join(folder, "sesta.yaml"), `name: demo\n${more}\n`);
const load = (version = "1") => loadProjectCached(folder, cacheFolder, version);

/** Loads in a process of its own; the packages that it imported, and the project. */
function loadFresh(): { imported: string[]; name: string } {
  const program = `
    import { registerHooks } from "node:module";
    const imported = [];
    registerHooks({ resolve(specifier, context, next) { imported.push(specifier); return next(specifier, context); } });
    const { loadProjectCached } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, "load-cached.ts")).href)});
    const { name } = await loadProjectCached(${JSON.stringify(folder)}, ${JSON.stringify(cacheFolder)}, "1");
    console.log(JSON.stringify({ imported: imported.filter((one) => !/^(node:|file:|[./])/.test(one)), name }));
  `;
  return JSON.parse(
    execFileSync(process.execPath, ["--input-type=module", "--eval", program], { encoding: "utf8" }),
  );
}

test("the second load imports no package, and gives the same project", async () => {
  expect(loadFresh()).toMatchObject({ name: "demo", imported: expect.arrayContaining(["zod", "yaml"]) });
  expect(loadFresh()).toEqual({ name: "demo", imported: [] });
  expect(await load()).toEqual(await loadProject(folder));
});

test("the cache is private", async () => {
  await load();
  expect(statSync(cache).mode & 0o777).toBe(0o600);
});

test("a changed file, also one of the same length and times, is parsed anew", async () => {
  await load();
  const { atime, mtime } = statSync(join(folder, "sesta.yaml"));
  writeFileSync(
    join(folder, "sesta.yaml"),
    readFileSync(join(folder, "sesta.yaml"), "utf8").replace("demo", "dem2"),
  );
  utimesSync(join(folder, "sesta.yaml"), atime, mtime);
  expect((await load()).name).toBe("dem2");
  write("workloads: { nb: { type: lap } }");
  await expect(load()).rejects.toMatchObject({ code: "PROJECT_INVALID" });
});

test("another version of Sesta parses anew", async () => {
  await load("1");
  const before = readFileSync(cache, "utf8");
  await load("2");
  expect(readFileSync(cache, "utf8")).not.toBe(before);
});

test("F23: a cache cut anywhere, or with any one byte changed, is ignored", async () => {
  const expected = await load();
  const bytes = readFileSync(cache);
  for (let at = 0; at < bytes.length; at += 7) {
    writeFileSync(cache, bytes.subarray(0, at));
    expect(await load()).toEqual(expected);
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(cache, changed);
    expect(await load()).toEqual(expected);
  }
});

test("T10: a cache that comes with somebody's project is not believed", async () => {
  write("gateway: { host: 127.0.0.1 }");
  await load();
  const theirs = join(folder, "theirs");
  mkdirSync(join(theirs, ".sesta"), { recursive: true });
  copyFileSync(join(folder, "sesta.yaml"), join(theirs, "sesta.yaml"));
  copyFileSync(cache, join(theirs, ".sesta/project.json"));
  const before = readFileSync(join(theirs, ".sesta/project.json"), "utf8");
  const project = await loadProjectCached(theirs, join(theirs, ".sesta"), "1");
  expect(project.folder).toBe(theirs);
  expect(readFileSync(join(theirs, ".sesta/project.json"), "utf8")).not.toBe(before);
});

test("a file that the project needs is looked for each time", async () => {
  await load();
  rmSync(join(folder, "requirements.txt"));
  await expect(load()).rejects.toMatchObject({
    code: "PROJECT_INVALID",
    problems: ['sesta.yaml:2:45: the file "requirements.txt" does not exist'],
  });
});

test("without a folder for it there is no cache, and none is made", async () => {
  rmSync(cacheFolder, { recursive: true });
  expect((await load()).name).toBe("demo");
  expect(() => statSync(cacheFolder)).toThrow();
});
