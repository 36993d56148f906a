// Reads the `vars.sh` beside a playbook: it is run by a shell that knows nothing else, and what it set is taken.
import { dirname } from "node:path";
import { SestaError } from "../../base/errors.ts";
import { protect } from "../../base/redact.ts";
import type { PlaybookPlace } from "./place.ts";

const timeoutMs = 30_000;
/** What the shell itself keeps. */
const own = new Set(["_", "PWD", "OLDPWD", "SHLVL"]);
// Set and exported or only set, both count; what it prints is not read; a command in it that fails ends nothing.
const script =
  'set -a; . "$1" >&2; set +a; exec "$2" -I -c "import json, os; print(json.dumps(dict(os.environ)))"';

/**
 * Values that may be secrets are never printed from now on.
 * @param python that prints the variables
 * @throws SestaError PLAYBOOK_FAILED with the shell's own words
 */
export async function readVars(
  place: PlaybookPlace,
  path: string,
  python: string,
): Promise<Record<string, string>> {
  const { machine, env, signal } = place;
  const cleared = Object.fromEntries(Object.keys(env).map((name) => [name, undefined]));
  const shell = (await machine.run(["bash", "-c", ":"]).catch(() => undefined)) ? "bash" : "sh";
  const ran = await machine.run([shell, "-c", script, shell, path, python], {
    cwd: dirname(path),
    env: { ...cleared, ...kept(env) },
    timeoutMs,
    signal,
  });
  const found = parse(ran.stdout);
  if (found === undefined)
    throw new SestaError("PLAYBOOK_FAILED", "vars.sh could not be read", {
      where: path,
      problems: ran.stderr.trim().split("\n").slice(-5),
      hint: "It is run by a shell and must come to its end: try `sh -n vars.sh`.",
    });
  const before = kept(env);
  const vars = Object.fromEntries(
    Object.entries(found).filter(([name, value]) => before[name] !== value && !own.has(name)),
  );
  for (const [name, value] of Object.entries(vars)) if (maybeSecret(name, value)) protect(value);
  return vars;
}

/** `PATH`, `HOME` and the like, without which hardly a script works. */
function kept(env: PlaybookPlace["env"]): Record<string, string> {
  return Object.fromEntries(
    ["PATH", "HOME", "USER", "LOGNAME", "LANG"].flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** Names of things, places and switches are no secrets, and blanking them would blank ordinary text. */
export function maybeSecret(name: string, value: string): boolean {
  if (/^(?:true|false|yes|no|on|off|none|\d{1,4})$/i.test(value)) return false;
  if (/SECRET|TOKEN|PASS|CREDENTIAL|ACCESS_KEY|API_KEY/i.test(name)) return true;
  if (/^(?:ANSIBLE_|LC_)|^(?:PATH|USER|USERNAME)$/.test(name)) return false;
  if (
    /(?:NAME|REGION|ZONE|USER|HOST|PORT|FILE|FOLDER|DIR|PATH|POINT|PROFILE|IMAGE|CMD|CHECKING)$/i.test(name)
  )
    return false;
  return value.length >= 8;
}

function parse(stdout: string): Record<string, string> | undefined {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Record<string, string>;
  } catch {
    return undefined;
  }
}
