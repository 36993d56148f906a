// The states of workloads as they change, for pages (server-sent events).
import type { Context as HonoContext } from "hono";
import { streamSSE } from "hono/streaming";
import { mayLook, snapshot, visitorOf, type Env, type SiteContext } from "./site-context.ts";

const keepAliveMs = 15_000;

// Ends by itself when the session does: what the visitor may see is asked anew for every message.
export function events(c: HonoContext<Env>, site: SiteContext): Response {
  const only = c.req.query("workload");
  c.header("cache-control", "no-store");
  return streamSSE(c, async (stream) => {
    let changed = false; // also while a message is being written
    let wakeUp: () => void = () => undefined;
    const note = () => {
      changed = true;
      wakeUp();
    };
    const stop = site.household.onChange(note);
    stream.onAbort(note);
    try {
      while (!stream.aborted) {
        changed = false;
        const visitor = visitorOf(c, site);
        if (!mayLook(visitor)) return;
        await stream.writeSSE({ data: JSON.stringify(snapshot(c, site, visitor, only)) });
        await new Promise<void>((resolve) => {
          if (changed) return resolve();
          const timer = setTimeout(resolve, keepAliveMs).unref();
          wakeUp = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    } finally {
      stop();
    }
  });
}
