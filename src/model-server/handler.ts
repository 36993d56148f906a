// Answers one request: finds its route, reads and checks it, has the model run, counts it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { messageOf } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Batcher, Slice } from "./batch.ts";
import { readInference, writeInference } from "./infer.ts";
import { describeModel, describeServer } from "./metadata.ts";
import type { WorkerMetrics } from "./metrics.ts";
import type { Model, Tensor } from "./model.ts";
import { readPrediction, writePrediction } from "./predict.ts";
import { readBody } from "./read-body.ts";
import { Refusal } from "./refusal.ts";
import { findRoute, routeOf, type Place } from "./routes.ts";

export type Serving = {
  model: Model;
  batcher: Batcher;
  metrics: WorkerMetrics;
  writeMetrics(): string;
  maxBodyBytes: number;
  monotonic(): number;
  log: Log;
  /** True once the server takes no new connections: it then says so, and ends those that are there. */
  isStopping(): boolean;
};

/** Never throws: whatever goes wrong is the answer to this request alone. */
export function createHandler(
  serving: Serving,
): (request: IncomingMessage, response: ServerResponse) => void {
  const { model, batcher, metrics } = serving;
  return (request, response) => {
    const began = serving.monotonic();
    const found = findRoute(request.url ?? "/", model.name, model.version);
    metrics.begin();
    response.once("close", () => {
      const status = response.writableFinished ? response.statusCode : 499;
      metrics.end(routeOf(found), status, (serving.monotonic() - began) / 1000);
    });
    const send = (status: number, body: string, type = json, more: string[] = []) => {
      if (response.headersSent || response.destroyed) return;
      const headers = ["content-type", type, "content-length", String(Buffer.byteLength(body)), ...more];
      // What is left of a request that was refused early is not read.
      if (serving.isStopping() || !request.complete) headers.push("connection", "close");
      response.writeHead(status, headers).end(body);
    };
    const fail = (error: unknown) => {
      const { status, message } = error instanceof Refusal ? error : translate(error, serving.log);
      send(status, JSON.stringify({ error: message }), json, status === 503 ? ["retry-after", "1"] : []);
    };
    if (!("place" in found)) return fail(new Refusal(404, found.unknown));
    const { place, method } = found;
    if (request.method !== method && !(method === "GET" && request.method === "HEAD")) {
      const error = JSON.stringify({ error: `only ${method} is allowed here` });
      return send(405, error, json, ["allow", method === "GET" ? "GET, HEAD" : method]);
    }
    if (place.route !== "predict" && place.route !== "infer") return send(...answer(place, serving));

    const run = <T extends { inputs: readonly Tensor[] }>(
      asked: T,
      write: (model: Model, asked: T, slice: Slice) => string,
    ) => {
      const isTaken = batcher.submit({
        inputs: asked.inputs,
        isAbandoned: () => response.destroyed,
        done: (slice) => attempt(() => send(200, write(model, asked, slice)), fail),
        fail,
      });
      if (!isTaken) fail(new Refusal(503, "too many requests wait for this model"));
    };
    const onText = (text: string) =>
      attempt(() => {
        if (place.route === "predict") run(readPrediction(model, text), writePrediction);
        else run(readInference(model, text), writeInference);
      }, fail);
    readBody(request, serving.maxBodyBytes, onText, fail);
  };
}

const json = "application/json";
const text = "text/plain; charset=utf-8";

function answer(
  place: Place,
  { model, writeMetrics, isStopping }: Serving,
): [status: number, body: string, type: string] {
  switch (place.route) {
    case "metrics":
      return [200, writeMetrics(), "text/plain; version=0.0.4; charset=utf-8"];
    case "metadata":
      return [200, JSON.stringify(place.of === "server" ? describeServer() : describeModel(model)), json];
    default: {
      const isReady = !isStopping();
      const status = isReady || (place.route === "health" && place.body === "live") ? 200 : 503;
      if (place.route === "health" && place.body === "OK") return [status, isReady ? "OK" : "stopping", text];
      if (place.route === "health" && place.body === "live") return [status, '{"live":true}', json];
      // The protocol's text says "live" of a server that is ready, and its servers say "ready": both are here.
      const state =
        place.route === "health" && place.body === "model" ? { name: model.name } : { live: true };
      return [status, JSON.stringify({ ...state, ready: isReady }), json];
    }
  }
}

function attempt(work: () => void, fail: (error: unknown) => void): void {
  try {
    work();
  } catch (error) {
    fail(error);
  }
}

/** Of the model's own refusals those that the data caused are the client's to mend. */
function translate(error: unknown, log: Log): { status: number; message: string } {
  const [message = ""] = messageOf(error).split("\n");
  if (/INVALID_ARGUMENT|out of (?:data )?bounds|Invalid .*input/i.test(message))
    return { status: 400, message: `the model refused this: ${message}` };
  log.error("a request failed", { error: message });
  return { status: 500, message: `the model failed: ${message}` };
}
