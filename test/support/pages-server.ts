// A small server that stands for the gateway: serves the pages, and sends whatever state a test sets.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { streamSSE } from "hono/streaming";
import { findAsset } from "../../src/front/pages/assets.ts";
import { securityHeaders } from "../../src/front/pages/security-headers.ts";
import type { Snapshot, WorkloadView } from "../../src/model/view.ts";

export type SeenRequest = {
  method: string;
  path: string;
  headers: Record<string, string>;
  body: string;
};

export type PagesServer = {
  origin: string;
  /** Every request so far but those for assets. */
  requests: SeenRequest[];
  /** Changes asked for by POST. */
  changes: { change: string; workload: string }[];
  /** Called for each change; its views are sent to everyone. */
  onChange: (change: string, workload: string) => void;
  /** Answers to the stream and to polling; undefined breaks the connection. */
  behave: { stream: boolean; state: number };
  /** HTML by path; anything else is 404. */
  pages: Map<string, () => string>;
  show(...views: WorkloadView[]): void;
  /** Ends every open stream. */
  drop(): void;
  close(): Promise<void>;
};

export async function createPagesServer(port = 0): Promise<PagesServer> {
  let snapshot: Snapshot = { workloads: [] };
  const streams = new Set<{ send: () => void; end: () => void }>();
  const app = new Hono();
  const self: PagesServer = {
    origin: "",
    requests: [],
    changes: [],
    onChange: () => undefined,
    behave: { stream: true, state: 200 },
    pages: new Map(),
    show(...workloads) {
      snapshot = { workloads };
      for (const stream of streams) stream.send();
    },
    drop() {
      for (const stream of streams) stream.end();
    },
    close: async () => undefined,
  };

  app.get("/_sesta/assets/*", (context) => {
    const found = findAsset(context.req.path);
    return found === undefined ? context.notFound() : context.body(found.body, 200, found.headers);
  });
  app.use(async (context, next) => {
    const body = context.req.method === "POST" ? await context.req.text() : "";
    const path = context.req.url.slice(new URL(context.req.url).origin.length);
    self.requests.push({ method: context.req.method, path, headers: context.req.header(), body });
    await next();
  });
  app.get("/_sesta/events", (context) => {
    if (!self.behave.stream) return context.text("no streams here", 503);
    return streamSSE(context, async (stream) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const send = (): void =>
        void stream.writeSSE({ data: JSON.stringify({ ...snapshot, now: Date.now() }) });
      const mine = { send, end: resolve };
      streams.add(mine);
      stream.onAbort(resolve);
      send();
      await promise;
      streams.delete(mine);
    });
  });
  app.get("/_sesta/state", (context) =>
    self.behave.state === 200
      ? context.json({ ...snapshot, now: Date.now() })
      : new Response("no", { status: self.behave.state }),
  );
  app.post("/_sesta/:change{wake|sleep|awake}", async (context) => {
    const change = context.req.param("change");
    const sent = self.requests.at(-1)?.body ?? "";
    const workload = sent.startsWith("{")
      ? String(JSON.parse(sent).workload)
      : (new URLSearchParams(sent).get("workload") ?? "");
    self.changes.push({ change, workload });
    self.onChange(change, workload);
    return context.json({ ok: true });
  });
  app.post("/_sesta/login", (context) => {
    const sent = new URLSearchParams(self.requests.at(-1)?.body);
    const again = self.pages.get("/_sesta/login");
    return sent.get("password") === "wrong" && again !== undefined
      ? context.html(again(), 403, securityHeaders)
      : context.redirect(sent.get("next") ?? "/", 303);
  });
  app.get("*", (context) => {
    const page = self.pages.get(context.req.path);
    return page === undefined ? context.notFound() : context.html(page(), 200, securityHeaders);
  });

  await new Promise<void>((resolve) => {
    const server = serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, (address) => {
      self.origin = `http://127.0.0.1:${address.port}`;
      self.close = async () => {
        self.drop();
        await new Promise<void>((closed) => {
          server.close(() => closed());
          if ("closeAllConnections" in server) server.closeAllConnections();
        });
      };
      resolve();
    });
  });
  return self;
}
