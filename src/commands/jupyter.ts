// How a Jupyter server is started, asked and ended.
import { template, type Template } from "../model/template.ts";

/** The file, in the runtime folder, that the server writes once its port is bound. */
export const boundFile = "bound-{pid}.json";

/** Answers 200 to whoever holds the token; asking it does not count as use. */
export const statusPath = "/api/status";

/** A POST ends kernels and terminals, then the server. */
export const shutdownPath = "/api/shutdown";

/**
 * `-I`: the environment's own packages and nothing from PYTHONPATH, the current folder or the user's site.
 * The token is named by its file, so it is neither in the process list nor in what kernels inherit.
 * @param script a name in the runtime folder
 */
export function buildServerArgv(script: string): readonly Template[] {
  return [
    template`${{ place: "environment" }}/bin/python`,
    ["-I"],
    [{ place: "runtime" }, `/${script}`],
    template`${{ place: "port" }}`,
    template`${{ place: "workspace" }}`,
    template`${{ place: "token_file" }}`,
    template`${{ place: "keep" }}`,
  ];
}
