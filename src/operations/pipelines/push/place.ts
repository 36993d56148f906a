// Where one push goes: host, repository and the tag that people follow.
import { isLoopback } from "../../../commands/registry-request.ts";
import type { PushTarget } from "../../../model/pipeline.ts";

export type PushPlace = {
  /** As in the project file. */
  name: string;
  host: string;
  repository: string;
  tag: string;
  /** Plain http, or a certificate that nobody vouches for, is good enough. */
  isPlain: boolean;
};

/** @param reference `HOST/REPOSITORY[:TAG]` */
export function readPlace({ name, registry }: PushTarget, reference: string): PushPlace {
  const [host = "", ...path] = reference.split("/");
  const [repository = "", tag = "latest"] = path.join("/").split(":");
  const isHub = host === "docker.io" && !repository.includes("/");
  return {
    name,
    host,
    repository: isHub ? `library/${repository}` : repository,
    tag,
    isPlain:
      (registry?.type === "login" && registry.insecure === true) || isLoopback(host.replace(/:\d+$/, "")),
  };
}

/** How it is spoken of. */
export function describePlace({ name, host, repository }: PushPlace): string {
  const own = `${host}/${repository}`;
  return name.includes("/") ? own : `${name} (${own})`;
}
