// Starts on the host what outlives every connection, by the same claim that start-detached.ts takes on this machine.
import { quotePath } from "../../commands/remote-shell.ts";
import { quoteWord, quoteWords } from "../../commands/shell-words.ts";
import { SestaError } from "../../base/errors.ts";
import { readStartTime, type Identity } from "../identity.ts";
import type { Argv, Ran, RunOptions, StartOptions } from "../machine.ts";
import { connectionMark } from "../own-connection.ts";
import { takeClaim } from "../start-detached.ts";

type Run = (argv: Argv, options?: RunOptions) => Promise<Ran>;

/**
 * Prints `claimed PID START` as the claim has it, then `boot ID` and `now …`, which is proc(5)'s line of the process,
 * or the state and start that ps has. Where the claim is free, the process is started first: in a session of its own
 * where there is setsid(1), else in a group of its own.
 */
function buildStart(argv: Argv, { cwd, logFile, claim }: StartOptions): string {
  return `
claim=${quotePath(claim)} log=${quotePath(logFile)}
if [ ! -s "$claim/pid" ]; then
  (umask 077 && mkdir -p "$claim" && : >>"$log") || exit 3
  cd ${quotePath(cwd)} || exit 4
  unset ${connectionMark}
  set -- sh -c ${quoteWord(takeClaim)} "$claim" ${quoteWords(argv)}
  if command -v setsid >/dev/null 2>&1; then setsid "$@" </dev/null >>"$log" 2>&1 &
  else set -m; "$@" </dev/null >>"$log" 2>&1 &
  fi
  tries=0
  while [ ! -s "$claim/pid" ] && [ "$tries" -lt 250 ]; do
    tries=$((tries + 1)); sleep 0.02 2>/dev/null || sleep 1
  done
fi
read -r pid started <"$claim/pid" || exit 5
echo "claimed $pid $started"
if [ -r /proc/sys/kernel/random/boot_id ]; then
  read -r boot </proc/sys/kernel/random/boot_id; echo "boot $boot"
  { read -r now <"/proc/$pid/stat"; } 2>/dev/null && echo "now $now"
else
  echo "boot $(sysctl -n kern.bootsessionuuid 2>/dev/null || TZ=UTC0 sysctl -n kern.boottime)"
  now=$(TZ=UTC0 LC_ALL=C ps -o stat=,lstart= -p "$pid") && echo "now $now"
fi
exit 0`;
}

/** @throws SestaError START_FAILED, COMMAND_FAILED when its folders cannot be used */
export async function startRemote(
  run: Run,
  argv: Argv,
  options: StartOptions,
  name: string,
): Promise<Identity> {
  const { exitCode, stdout, stderr } = await run(["sh", "-c", buildStart(argv, options)], {
    env: options.env,
  });
  const [program] = argv;
  if (exitCode === 3 || exitCode === 4) {
    throw new SestaError("COMMAND_FAILED", `${program} could not be started on ${name}: ${stderr}`);
  }
  if (exitCode !== 0)
    throw new SestaError("START_FAILED", `${program} was not started on ${name}${stderr && `: ${stderr}`}`);
  const said = (word: string) => new RegExp(`^${word} (.*)$`, "m").exec(stdout)?.[1]?.trim();
  const [, pid, claimed = ""] = /^(\d+) (.*)$/.exec(said("claimed") ?? "") ?? [];
  const [bootId, now] = [said("boot"), said("now")];
  const isProc = /^\d+ \(/.test(claimed);
  const startTime = isProc ? readStartTime(claimed) : claimed;
  if (
    pid === undefined ||
    bootId === undefined ||
    startTime === undefined ||
    startTimeNow(now, isProc) !== startTime
  ) {
    throw new SestaError("START_FAILED", `${program} ended at once on ${name}`);
  }
  return { pid: Number(pid), bootId, startTime };
}

function startTimeNow(now: string | undefined, isProc: boolean): string | undefined {
  if (now === undefined) return undefined;
  if (isProc) return readStartTime(now);
  return now.startsWith("Z") ? undefined : now.replace(/^\S+\s+/, "");
}
