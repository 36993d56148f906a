// Which path means what.
import type { Route } from "./metrics.ts";

export type Place =
  | { route: "predict" | "infer" }
  | { route: "health"; body: "OK" | "live" | "ready" | "model" }
  | { route: "metadata"; of: "server" | "model" }
  | { route: "metrics" };

export type Found = { place: Place; method: "GET" | "POST" } | { unknown: string };

/** @param url the request's target, with its query */
export function findRoute(url: string, name: string, version: string): Found {
  if (url === "/predict") return predict; // most requests
  const [path = ""] = url.split("?", 1);
  const [, first = "", ...rest] = (path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path).split(
    "/",
  );
  if (rest.length === 0) return fixed[first] ?? unknownPath(path);
  if (first !== "v2") return unknownPath(path);
  const [second, third, ...more] = rest;
  if (second === "health" && more.length === 0 && (third === "live" || third === "ready"))
    return get({ route: "health", body: third });
  if (second !== "models" || third === undefined) return unknownPath(path);
  if (decode(third) !== name)
    return { unknown: `there is no model ${JSON.stringify(decode(third))}; this is "${name}"` };
  const isVersioned = more[0] === "versions" && more[1] !== undefined;
  if (isVersioned && decode(more[1]) !== version)
    return { unknown: `there is no version ${JSON.stringify(decode(more[1]))}; this is "${version}"` };
  return forModel[(isVersioned ? more.slice(2) : more).join("/")] ?? unknownPath(path);
}

/** For the counters, also of requests that no route takes. */
export function routeOf(found: Found): Route {
  return "place" in found ? found.place.route : "other";
}

const predict: Found = { place: { route: "predict" }, method: "POST" };

const fixed: Readonly<Record<string, Found | undefined>> = {
  predict,
  health: get({ route: "health", body: "OK" }),
  metrics: get({ route: "metrics" }),
  v2: get({ route: "metadata", of: "server" }),
};

const forModel: Readonly<Record<string, Found | undefined>> = {
  "": get({ route: "metadata", of: "model" }),
  ready: get({ route: "health", body: "model" }),
  infer: { place: { route: "infer" }, method: "POST" },
};

function get(place: Place): Found {
  return { place, method: "GET" };
}

function unknownPath(path: string): Found {
  return { unknown: `there is nothing at ${path.slice(0, 200)}` };
}

function decode(part = ""): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
