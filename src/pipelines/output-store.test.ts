// What is handed on comes out as it went in, or not at all; nothing is written through a link.
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { digestOutputs, hasOutputs, keepOutputs, layOutputs } from "./output-store.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sesta-outputs-"));
  for (const name of ["tree/out/deep", "tree/.hidden", "to"])
    mkdirSync(join(folder, name), { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true }));

const tree = (...path: string[]) => join(folder, "tree", ...path);
const to = (...path: string[]) => join(folder, "to", ...path);
const keep = (...patterns: string[]) => keepOutputs(join(folder, "store"), tree(), patterns);
const lay = async (outputs: Parameters<typeof layOutputs>[2]) =>
  layOutputs(join(folder, "store"), to(), outputs);

test("files, modes, links, folders and patterns", async () => {
  writeFileSync(tree("out", "deep", "a b\n.bin"), Buffer.from([0, 255, 1]));
  writeFileSync(tree("out", "run.sh"), "echo");
  chmodSync(tree("out", "run.sh"), 0o755);
  symlinkSync("deep/none", tree("out", "link"));
  writeFileSync(tree("model.pkl"), "m");
  writeFileSync(tree(".hidden", "x.pkl"), "h");
  const { outputs, missing } = await keep("out", "*.pkl", "none", "out/run.sh", "*/deep");
  expect(outputs.map(({ path, mode }) => `${mode} ${path}`)).toEqual([
    "file model.pkl",
    "file out/deep/a b\n.bin",
    "link out/link",
    "exec out/run.sh",
  ]);
  expect(missing).toEqual(["none"]);
  expect(await hasOutputs(join(folder, "store"), outputs)).toBe(true);
  mkdirSync(to("model.pkl"));
  await lay(outputs);
  expect(readFileSync(to("out", "deep", "a b\n.bin"))).toEqual(Buffer.from([0, 255, 1]));
  expect(readlinkSync(to("out", "link"))).toBe("deep/none");
  expect(lstatSync(to("out", "run.sh")).mode & 0o111).not.toBe(0);
  expect(readFileSync(to("model.pkl"), "utf8")).toBe("m");
  expect(digestOutputs(outputs)).not.toBe(digestOutputs(outputs.slice(1)));
});

test("nothing that is reached by a link is handed on, and nothing is laid through one", async () => {
  mkdirSync(join(folder, "elsewhere"));
  writeFileSync(join(folder, "elsewhere", "secret"), "s");
  symlinkSync(join(folder, "elsewhere"), tree("away"));
  expect(await keep("away/secret", "*/secret")).toEqual({
    outputs: [],
    missing: ["away/secret", "*/secret"],
  });
  writeFileSync(tree("out", "secret"), "mine");
  symlinkSync(join(folder, "elsewhere"), to("out"));
  await lay((await keep("out/secret")).outputs);
  expect(readFileSync(join(folder, "elsewhere", "secret"), "utf8")).toBe("s");
  expect(readFileSync(to("out", "secret"), "utf8")).toBe("mine");
});

test("what was changed in the store is not handed on, and is gone", async () => {
  writeFileSync(tree("a"), "good");
  const { outputs } = await keep("a");
  const [kept = ""] = readdirSync(join(folder, "store"), { recursive: true, encoding: "utf8" }).filter(
    (name) => name.length > 60,
  );
  writeFileSync(join(folder, "store", kept), "evil");
  expect(await hasOutputs(join(folder, "store"), outputs)).toBe(true); // as long as it was
  await expect(lay(outputs)).rejects.toMatchObject({ code: "OUTPUT_DAMAGED" });
  expect([existsSync(join(folder, "store", kept)), await hasOutputs(join(folder, "store"), outputs)]).toEqual(
    [false, false],
  );
});
