// Where Sesta keeps what all projects of a user share: an installed uv, compiled code.
import { homedir, userInfo } from "node:os";
import { join } from "node:path";

export function findCacheFolder(env: NodeJS.ProcessEnv): string {
  return (
    env["SESTA_CACHE"] ||
    join(env["XDG_CACHE_HOME"] || join(homedir() || userInfo().homedir, ".cache"), "sesta")
  );
}
