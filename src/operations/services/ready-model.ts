// Makes the ONNX file of a model: a copy, or what a pickle was converted to, compared with it.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { createLocalMachine } from "../../machine/local.ts";
import { makePythonEnvironment } from "../../machine/python-environment.ts";
import type { Progress } from "../../model/plan.ts";
import { runStep } from "../../targets/step.ts";
import { digestOf } from "../../workloads/job/digests.ts";
import {
  buildConversion,
  buildConverterEnvironment,
  convertFiles,
  readVerdict,
} from "../../workloads/service/convert-model.ts";
import { findSklearnVersion } from "../../workloads/service/model-pickle.ts";
import { buildLastingEnv, type Context } from "../context.ts";
import { isOnnx, modelFile, type Model } from "./model.ts";

/** It is there as ONNX when this resolves. @throws SestaError MODEL_REFUSED where the two predict otherwise */
export async function readyModel(context: Context, model: Model, name: string, on: Progress): Promise<void> {
  if (model.isReady) return;
  const making = `${model.folder}.making-${context.world.pid}`;
  await mkdir(making, { recursive: true, mode: 0o700 });
  try {
    const copied = join(making, isOnnx(model.file) ? modelFile : basename(model.file));
    await copyFile(model.path, copied, constants.COPYFILE_FICLONE);
    await refuseChanged(model, copied);
    if (!isOnnx(model.file)) {
      await runStep(on, name, "convert", (detail) =>
        convert(context, { ...model, path: copied }, making, detail),
      );
      await rm(copied);
    }
    await rm(model.folder, { recursive: true, force: true });
    await rename(making, model.folder);
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}

/** What was looked at, and perhaps validated, is what is served. */
async function refuseChanged({ file, sources }: Model, copied: string): Promise<void> {
  const found = createHash("sha256")
    .update(await readFile(copied))
    .digest("hex");
  if (sources.contents === `sha256:${found}`) return;
  throw new SestaError("MODEL_REFUSED", `${file} changed while it was deployed`, {
    hint: "Run the same command again.",
  });
}

/** The pickle is loaded in a plain process, as that runs what is in it: without the project's secrets. */
async function convert(
  { folder, project, world }: Context,
  model: Model,
  into: string,
  detail: (text: string) => void,
): Promise<void> {
  const wanted = buildConverterEnvironment(findSklearnVersion(await readFile(model.path)));
  const environment = join(folder, "environments", digestOf("converter", wanted).slice(0, 16));
  const machine = createLocalMachine(buildLastingEnv(world, project));
  const maker = { machine, cacheFolder: world.cacheFolder, signal: world.signal };
  await makePythonEnvironment(maker, wanted, environment, detail);
  await machine.put(convertFiles, into);
  detail("comparing what both predict");
  const argv = buildConversion({
    python: join(environment, "bin", "python"),
    script: join(into, "convert.py"),
    model: model.path,
    output: join(into, modelFile),
    rows: model.rows,
  });
  const { stdout, stderr } = await machine.run(argv, { cwd: into, signal: world.signal });
  const { rows, source } = readVerdict(model.file, stdout, stderr);
  detail(`the same on ${rows} ${source} rows`);
  await rm(join(into, "convert.py"));
}
