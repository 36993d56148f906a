// The address at which a person opens a workload.
import type { WorkloadView } from "../../model/view.ts";
import { safeNext } from "./safe-next.ts";

/** Full address of its home, or null when nothing listens or the origin is not plain http or https. */
export function findOpenLink(view: Pick<WorkloadView, "url" | "home">): string | null {
  if (view.url === null || !URL.canParse(view.url)) return null;
  const origin = new URL(view.url);
  if (origin.protocol !== "http:" && origin.protocol !== "https:") return null;
  return origin.origin + safeNext(view.home);
}
