// The model server on real models: the seed's application, the Open Inference Protocol, batches, its start and its end.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { bundleModelServer } from "../scripts/bundle-model-server.ts";
import { listRuntimeFiles } from "../src/model/model-runtime.ts";
import { findModelFiles } from "./support/model-files.ts";
import { modelServer, startModel, type RunningModel } from "./support/running-model.ts";
import { root } from "./support/source-files.ts";

const packaged = join(root, "node_modules/onnxruntime-node");
const native = listRuntimeFiles(process.platform, process.arch).map((path) => join(packaged, path));
const found = native.every((path) => existsSync(path))
  ? findModelFiles()
  : "onnxruntime-node is not installed";
if (typeof found === "string") console.warn(`model-server.test.ts: skipped: ${found}`);
const folder = typeof found === "string" ? "" : found.folder;
const scratch = mkdtempSync(join(tmpdir(), "sesta-model-"));
const running = new Map<string, Promise<RunningModel>>();
afterAll(async () => {
  for (const server of running.values()) (await server).child.kill("SIGKILL");
  rmSync(scratch, { recursive: true, force: true });
});

/** One server a model for all tests that only ask it. */
function serve(name: string): Promise<RunningModel> {
  const server = running.get(name) ?? startModel(["--model", join(folder, `${name}.onnx`), "--workers", "1"]);
  running.set(name, server);
  return server;
}

const setosa = [5.1, 3.5, 1.4, 0.2];
const virginica = [6.7, 3.1, 5.6, 2.4];
const missing = { status: 400, body: { error: "Missing features" } };

describe.skipIf(typeof found === "string")("/predict and /health, as the seed's application", () => {
  test("a flower", async () => {
    const { ask } = await serve("logistic");
    expect(await ask("/predict", { features: setosa })).toEqual({ status: 200, body: { prediction: 0 } });
    expect(await ask("/predict", { features: virginica, more: 1 })).toEqual({
      status: 200,
      body: { prediction: 2 },
    });
    expect(await ask("/health")).toEqual({ status: 200, body: "OK" });
  });

  test.each([
    [""],
    ["not json"],
    ["{}"],
    ["[]"],
    ['"x"'],
    ["null"],
    ['{"feature": [1]}'],
    ['{"features": null}'],
  ])("no features in %j", async (body) => {
    expect(await (await serve("logistic")).ask("/predict", body)).toEqual(missing);
  });

  test.each([
    [[1, 2, 3], "features must be a row of 4 (FP32), or an array of such rows; got 3"],
    [[], "features must be a row of 4 (FP32), or an array of such rows; got 0"],
    ["setosa", "features must be a row of 4 (FP32), or an array of such rows"],
    [{ a: 1 }, "features must be a row of 4 (FP32), or an array of such rows"],
    [[1, 2, "3", 4], "features[2] must be a number that fits FP32"],
    [[1, 2, null, 4], "features[2] must be a number that fits FP32"],
    [[1, 2, true, 4], "features[2] must be a number that fits FP32"],
    [[1, 2, 1e39, 4], "features[2] must be a number that fits FP32"],
    [[setosa, [1, 2]], "features[1] must be an array of 4; got 2"],
    [[setosa, 3], "features[1] must be an array of 4; got no array"],
    [[setosa, [1, 2, 3, "x"]], "features[1][3] must be a number that fits FP32"],
    [[[setosa]], "features must be a row of 4 (FP32), or an array of such rows"],
  ])("bad features %j", async (features, error) => {
    expect(await (await serve("logistic")).ask("/predict", { features })).toEqual({
      status: 400,
      body: { error },
    });
  });

  test("rows are answered in their order, one or a thousand", async () => {
    const { ask } = await serve("logistic");
    expect(await ask("/predict", { features: [setosa] })).toEqual({
      status: 200,
      body: { predictions: [0] },
    });
    const many = Array.from({ length: 1000 }, (_, index) => (index % 3 === 0 ? virginica : setosa));
    const predictions = many.map((row) => (row === virginica ? 2 : 0));
    expect(await ask("/predict", { features: many })).toEqual({ status: 200, body: { predictions } });
  });

  test("labels that are strings, numbers of a regressor, and the columns that a model takes one by one", async () => {
    expect(await (await serve("names")).ask("/predict", { features: setosa })).toMatchObject({
      body: { prediction: "setosa" },
    });
    const row = [0.038, 0.05, 0.061, 0.021, -0.044, -0.034, -0.043, -0.0025, 0.019, -0.017];
    const { body } = await (await serve("diabetes")).ask("/predict", { features: row });
    expect((body as { prediction: number }).prediction).toBeCloseTo(206, -1);
    const { ask } = await serve("pair");
    expect(await ask("/predict", { features: [1, 2.5] })).toMatchObject({ body: { prediction: 3.5 } });
    expect(
      await ask("/predict", {
        features: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).toMatchObject({ body: { predictions: [3, 7] } });
  });

  test("rows of more dimensions, and a model that takes one row at a time", async () => {
    const image = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const { ask } = await serve("image");
    expect(await ask("/predict", { features: image })).toMatchObject({ body: { prediction: [2, 5] } });
    expect(await ask("/predict", { features: [image, image] })).toMatchObject({
      body: {
        predictions: [
          [2, 5],
          [2, 5],
        ],
      },
    });
    const fixed = await serve("fixed");
    expect(await fixed.ask("/predict", { features: [1, -2] })).toMatchObject({
      body: { prediction: [-1, 2] },
    });
    expect(
      await fixed.ask("/predict", {
        features: [
          [1, 2],
          [3, 4],
        ],
      }),
    ).toMatchObject({
      status: 400,
      body: { error: "this model takes exactly 1 rows at a time; got 2" },
    });
  });

  test("an export with a sequence of maps, which is left out", async () => {
    const server = await serve("zipmap");
    expect(await server.ask("/predict", { features: setosa })).toMatchObject({
      status: 200,
      body: { prediction: 0 },
    });
    expect(server.log()).toContain("left out");
  });

  test("other methods and paths", async () => {
    const { ask, url } = await serve("logistic");
    expect(await ask("/predict")).toMatchObject({
      status: 405,
      body: { error: "only POST is allowed here" },
    });
    expect(await ask("/health", {})).toMatchObject({ status: 405 });
    expect(await ask("/nothing")).toMatchObject({
      status: 404,
      body: { error: "there is nothing at /nothing" },
    });
    expect((await fetch(`${url}/health`, { method: "HEAD" })).status).toBe(200);
  });
});

describe.skipIf(typeof found === "string")("the Open Inference Protocol", () => {
  const input = { name: "X", shape: [2, 4], datatype: "FP32", data: [...setosa, ...virginica] };
  const infer = async (body: unknown) => (await serve("logistic")).ask("/v2/models/logistic/infer", body);

  test("server and model tell of themselves", async () => {
    const { ask } = await serve("logistic");
    expect(await ask("/v2")).toMatchObject({ status: 200, body: { name: "sesta", extensions: [] } });
    expect(await ask("/v2/health/live")).toEqual({ status: 200, body: { live: true } });
    expect(await ask("/v2/health/ready")).toEqual({ status: 200, body: { live: true, ready: true } });
    for (const path of ["/v2/models/logistic/ready", "/v2/models/logistic/versions/1/ready"])
      expect(await ask(path)).toEqual({ status: 200, body: { name: "logistic", ready: true } });
    for (const path of ["/v2/models/logistic", "/v2/models/logistic/versions/1"])
      expect(await ask(path)).toEqual({
        status: 200,
        body: {
          name: "logistic",
          versions: ["1"],
          platform: "onnx_onnxv1",
          inputs: [{ name: "X", datatype: "FP32", shape: [-1, 4] }],
          outputs: [
            { name: "label", datatype: "INT64", shape: [-1] },
            { name: "probabilities", datatype: "FP32", shape: [-1, 3] },
          ],
        },
      });
    expect(await ask("/v2/models/other")).toMatchObject({ status: 404 });
    expect(await ask("/v2/models/logistic/versions/2")).toMatchObject({ status: 404 });
  });

  test("flat and nested data, an id, and the outputs that are asked for", async () => {
    const label = { name: "label", datatype: "INT64", shape: [2], data: [0, 2] };
    const { body } = await infer({ id: "42", inputs: [input] });
    expect(body).toMatchObject({
      model_name: "logistic",
      model_version: "1",
      id: "42",
      outputs: [label, { shape: [2, 3] }],
    });
    const nested = { ...input, data: [setosa, virginica] };
    expect((await infer({ inputs: [nested], outputs: [{ name: "label" }] })).body).toMatchObject({
      outputs: [label],
    });
    const only = (await infer({ inputs: [input], outputs: [{ name: "probabilities" }] })).body as {
      outputs: object[];
    };
    expect(only.outputs).toHaveLength(1);
    expect(only.outputs[0]).toMatchObject({
      name: "probabilities",
      shape: [2, 3],
      data: expect.any(Array) as unknown[],
    });
  });

  test.each([
    ["", "the body must be a JSON object"],
    ["[]", "the body must be a JSON object"],
    [{}, "inputs must be an array of tensors"],
    [{ id: 1, inputs: [input] }, "id must be a string"],
    [{ inputs: [] }, 'input "X" is missing'],
    [{ inputs: ["X"] }, "inputs[0] must be an object with a name"],
    [{ inputs: [input, input] }, 'the input "X" is there twice'],
    [{ inputs: [{ ...input, name: "x" }] }, 'there is no input "x"; the model has X'],
    [{ inputs: [{ ...input, datatype: "FP64" }] }, 'input "X" has the datatype FP32; got "FP64"'],
    [{ inputs: [{ ...input, datatype: undefined }] }, 'input "X" has the datatype FP32; got undefined'],
    [
      { inputs: [{ ...input, shape: [8] }] },
      'input "X" has the shape [-1,4], where -1 is any length; got [8]',
    ],
    [
      { inputs: [{ ...input, shape: [4, 2] }] },
      'input "X" has the shape [-1,4], where -1 is any length; got [4,2]',
    ],
    [
      { inputs: [{ ...input, shape: [0, 4], data: [] }] },
      'input "X" has the shape [-1,4], where -1 is any length; got [0,4]',
    ],
    [
      { inputs: [{ ...input, shape: [-1, 4] }] },
      'input "X" has the shape [-1,4], where -1 is any length; got [-1,4]',
    ],
    [
      { inputs: [{ ...input, shape: "2x4" }] },
      'input "X" has the shape [-1,4], where -1 is any length; got "2x4"',
    ],
    [{ inputs: [{ ...input, shape: [3, 4] }] }, 'input "X": the shape [3,4] needs 12 values; got 8'],
    [{ inputs: [{ ...input, data: "AAAA" }] }, 'input "X": data must be an array'],
    [{ inputs: [{ ...input, data: [setosa, [1]] }] }, 'input "X": data[1] must be an array of 4; got 1'],
    [
      { inputs: [{ ...input, data: [...setosa, 1, 2, 3, "4"] }] },
      'input "X": data[7] must be a number that fits FP32',
    ],
    [
      { inputs: [input], outputs: [{ name: "none" }] },
      'there is no output "none"; the model has label, probabilities',
    ],
    [{ inputs: [input], outputs: ["label"] }, "outputs[0] must be an object with a name"],
  ])("refuses %j", async (body, error) => {
    expect(await infer(body)).toEqual({ status: 400, body: { error } });
  });

  test("every element type, there and back; integers whole", async () => {
    const { ask } = await serve("kinds");
    const values: [name: string, datatype: string, data: string][] = [
      ["float", "FP32", "[0.1,-3.4e+38]"],
      ["double", "FP64", "[0.1,1e+300]"],
      ["float16", "FP16", "[0.5,-65504]"],
      ["int64", "INT64", "[9223372036854775807,-9223372036854775808]"],
      ["int32", "INT32", "[2147483647,-5]"],
      ["uint8", "UINT8", "[0,255]"],
      ["bool", "BOOL", "[true,false]"],
      ["string", "BYTES", '["Straße \\"1\\"",""]'],
    ];
    const inputs = values.map(
      ([name, datatype, data]) => `{"name":"${name}","datatype":"${datatype}","shape":[2],"data":${data}}`,
    );
    const answer = await fetch(`${(await serve("kinds")).url}/v2/models/kinds/infer`, {
      method: "POST",
      body: `{"inputs":[${inputs.join(",")}]}`,
    });
    const text = await answer.text();
    expect(answer.status, text).toBe(200);
    for (const [name, datatype, data] of values)
      expect(text).toContain(`{"name":"${name}_out","datatype":"${datatype}","shape":[2],"data":${data}}`);
    const bad = {
      float: [1e39, 0],
      float16: [65_520, 0],
      int64: [1.5, 0],
      uint8: [256, 0],
      bool: [1, 0],
      string: [1, ""],
    };
    for (const [name, data] of Object.entries(bad)) {
      const tensors = values.map(([one, datatype, good]) => ({
        name: one,
        datatype,
        shape: [2],
        data: one === name ? data : (JSON.parse(good) as unknown[]),
      }));
      tensors.forEach((tensor) => tensor.name === "int64" && name !== "int64" && (tensor.data = [1, 2]));
      expect(await ask("/v2/models/kinds/infer", { inputs: tensors })).toMatchObject({
        status: 400,
        body: { error: expect.stringContaining(`input "${name}": data[0] must be`) as string },
      });
    }
  });
});

describe.skipIf(typeof found === "string")("under load", () => {
  const input = (row: number[]) => ({ inputs: [{ name: "X", shape: [1, 4], datatype: "FP32", data: row }] });

  test("what waits runs together, each gets its own answer, and the counters add up", async () => {
    const { ask } = await serve("names");
    const asked = Array.from({ length: 200 }, async (_, index) => {
      const row = index % 2 === 0 ? setosa : virginica;
      const answer =
        index % 5 === 0
          ? await ask("/v2/models/names/infer", input(row))
          : await ask("/predict", { features: row });
      return JSON.stringify(answer.body).includes(index % 2 === 0 ? '"setosa"' : '"virginica"');
    });
    expect((await Promise.all(asked)).filter((isRight) => !isRight)).toEqual([]);
    const text = String((await ask("/metrics")).body);
    const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
    const rows = value('sesta_model_batch_rows_sum\\{model="names"\\}');
    expect(rows).toBeGreaterThanOrEqual(200);
    expect(value('sesta_model_batch_rows_count\\{model="names"\\}')).toBeLessThan(rows);
    expect(value('sesta_model_requests_total\\{model="names",route="infer",code="200"\\}')).toBe(40);
    expect(value('sesta_model_request_duration_seconds_count\\{model="names",route="infer"\\}')).toBe(40);
    expect(value('sesta_model_requests_in_flight\\{model="names"\\}')).toBe(1); // this one
  });

  test("one that the model refuses fails alone", async () => {
    const { ask } = await serve("gather");
    const asked = Array.from({ length: 40 }, (_, index) =>
      ask("/predict", { features: index === 7 ? 99 : index % 3 }),
    );
    const answers = await Promise.all(asked);
    expect(answers[7]).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining("refused") as string },
    });
    const others = answers.filter((_, index) => index !== 7);
    expect(others.map(({ body }) => (body as { prediction: number }).prediction)).toEqual(
      Array.from({ length: 40 }, (_, index) => ((index % 3) + 1) * 10).filter((_, index) => index !== 7),
    );
  });

  test("a model that gives no row for each row is never joined", async () => {
    const { ask } = await serve("folded");
    const asked = Array.from({ length: 40 }, (_, index) => ask("/predict", { features: [index, 1] }));
    const sums = (await Promise.all(asked)).map(({ body }) => (body as { prediction: number }).prediction);
    expect(sums).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  });
});

describe.skipIf(typeof found === "string")("its start and its end", () => {
  const model = join(folder, "logistic.onnx");
  const fail = (...options: string[]) => {
    const ran = spawnSync(process.execPath, [modelServer, ...options], { encoding: "utf8" });
    return [ran.status, ran.stdout, ran.stderr];
  };
  const oneLine = (text: string) =>
    expect.stringMatching(new RegExp(`^model-server: [^\\n]*${text}[^\\n]*\\n$`)) as string;

  test("what cannot be served is said in one line", async () => {
    writeFileSync(join(scratch, "text.onnx"), "not a model");
    expect(fail("--model", join(scratch, "none.onnx"))).toEqual([
      1,
      "",
      oneLine("none.onnx cannot be served: ENOENT"),
    ]);
    expect(fail("--model", join(scratch, "text.onnx"))).toEqual([
      1,
      "",
      oneLine("text.onnx cannot be served: .*[Pp]rotobuf"),
    ]);
    expect(fail("--model", join(folder, "future.onnx"))).toEqual([1, "", oneLine("opset 99|Opset 99|opset")]);
    expect(fail("--model", model, "--runtime", scratch)).toEqual([
      1,
      "",
      oneLine("onnxruntime is not installed"),
    ]);
    expect(fail("--model", model, "--port", "x")).toEqual([1, "", oneLine("--port must be a whole number")]);
    expect(fail("--modle", model)).toEqual([1, "", oneLine("usage:")]);
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const port = String((taken.address() as AddressInfo).port);
    for (const workers of ["1", "2"])
      expect(fail("--model", model, "--port", port, "--workers", workers)).toEqual([
        1,
        "",
        oneLine("is in use"),
      ]);
    taken.close();
  });

  test("as one file with onnxruntime's native part beside it, and nothing else", async () => {
    const program = join(scratch, "model-server.mjs");
    const runtime = join(scratch, "runtime");
    mkdirSync(runtime);
    writeFileSync(program, await bundleModelServer());
    for (const file of native) copyFileSync(file, join(runtime, basename(file)));
    const server = await startModel(["--model", model, "--runtime", runtime, "--workers", "2"], program);
    expect(await server.ask("/predict", { features: setosa })).toMatchObject({ body: { prediction: 0 } });
    expect(await server.stop()).toBe(0);
  });

  test("TERM answers what was asked, closes, and takes nothing new", async () => {
    const server = await startModel(["--model", model, "--workers", "1"]);
    const slow = request(`${server.url}/predict`, { method: "POST", headers: { "content-length": 34 } });
    const answered = once(slow, "response");
    slow.write('{"features": ');
    await expect.poll(async () => String((await server.ask("/metrics")).body)).toMatch(/in_flight\{.*\} 2/);
    server.child.kill("SIGTERM");
    await expect
      .poll(() =>
        fetch(`${server.url}/health`).then(
          (one) => one.status,
          () => "closed",
        ),
      )
      .toBe("closed");
    slow.end("[5.1, 3.5, 1.4, 0.2]}");
    const [response] = (await answered) as [{ statusCode: number; headers: Record<string, string> }];
    expect([response.statusCode, response.headers["connection"]]).toEqual([200, "close"]);
    expect(await server.stop()).toBe(0);
  });

  test("a body over the limit is refused, however it is sent", async () => {
    const server = await startModel(["--model", model, "--workers", "1", "--max-body", "100"]);
    const body = JSON.stringify({ features: setosa, pad: "x".repeat(100) });
    const expected = { status: 413, body: { error: "the body is larger than 100 bytes" } };
    expect(await server.ask("/predict", body)).toEqual(expected);
    const chunked = request(`${server.url}/predict`, { method: "POST" });
    chunked.on("error", () => undefined);
    const answered = once(chunked, "response");
    chunked.write(body);
    const [response] = (await answered) as [{ statusCode: number }];
    expect(response.statusCode).toBe(413);
    chunked.destroy();
    expect(await server.ask("/predict", { features: setosa })).toMatchObject({ status: 200 });
    expect(await server.stop()).toBe(0);
  });

  test.skipIf(process.platform !== "linux")("a worker that dies is replaced", async () => {
    const program = join(scratch, "dying.ts");
    const [mark, runtime] = [join(scratch, "died"), join(scratch, "dying")];
    mkdirSync(runtime);
    for (const file of native) copyFileSync(file, join(runtime, basename(file)));
    const source = (name: string) => JSON.stringify(join(root, "src", name));
    writeFileSync(
      program,
      `import { existsSync, writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
if (isMainThread) {
  const { startWorkers } = await import(${source("model-server/workers.ts")});
  const { parseOptions } = await import(${source("model-server/options.ts")});
  const { systemClock } = await import(${source("base/clock.ts")});
  const { createLog } = await import(${source("base/log.ts")});
  const log = createLog((line) => process.stderr.write(line), Date.now);
  const { port } = await startWorkers(import.meta.filename, parseOptions(process.argv.slice(2), {}), systemClock, log);
  console.log(JSON.stringify({ url: "http://127.0.0.1:" + port }));
} else if (existsSync(${JSON.stringify(mark)})) await import(${source("model-server/main.ts")});
else {
  writeFileSync(${JSON.stringify(mark)}, "");
  throw new Error("on purpose");
}
`,
    );
    const server = await startModel(["--model", model, "--workers", "2", "--runtime", runtime], program);
    await expect
      .poll(() => server.log(), { timeout: 20_000 })
      .toMatch(/died and is replaced.*on purpose[^]*a worker listens/);
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => server.ask("/predict", { features: setosa })),
    );
    expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
    server.child.kill("SIGKILL");
  });
});
