// Addresses as the visitor can use them: under the host name that this visitor came by.
import type { WorkloadView } from "../model/view.ts";
import { findHostName } from "./host.ts";

/**
 * Cookies belong to one host name, so who came to `localhost` must stay there, and who came to a machine's name
 * must not be sent to its loopback address. The host was checked before; the port stays the workload's own.
 */
export function seenFrom(view: WorkloadView, hostHeader: string | undefined): WorkloadView {
  const name = findHostName(hostHeader);
  if (view.url === null || name === undefined) return view;
  return { ...view, url: view.url.replace(/^(https?:\/\/)(?:\[[^\]]*\]|[^:/]*)/, `$1${name}`) };
}
