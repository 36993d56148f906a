// `sesta why`: why a workload is in its state, what was seen last, when it would sleep, and how far its saves are.
import { explain, type Explanation } from "../../operations/why.ts";
import { describeCertificate } from "../../operations/services/await-certificate.ts";
import { formatMs, formatTime } from "../durations.ts";
import { explainSaved } from "../save-text.ts";
import type { Verb } from "../session.ts";
import type { Paint } from "../terminal.ts";

export const why: Verb<object, [string]> = async (session, flags, name) => {
  const context = await session.open();
  const found = await explain(context, name);
  if (flags.json) return session.json(found);
  const { terminal, world } = session;
  terminal.out(`${describeWhy(found, world.clock.now(), terminal.paint).join("\n")}\n`);
};

/** @param now wall time in milliseconds */
export function describeWhy(found: Explanation, now: number, paint: Paint): string[] {
  const { name, state, since, why: reason, phase, last_use, saved_at, save, log_tail } = found;
  const ago = (at: string) => formatMs(Math.max(0, now - Date.parse(at)));
  return [
    state === "absent" ? `${name} is absent: ${reason}` : `${name} is ${state}, for ${ago(since)}: ${reason}`,
    ...(phase === null ? [] : [`now: ${phase}`]),
    ...describeReplicas(found),
    ...(found.certificate ? [`certificate: ${describeCertificate(found.certificate)}`] : []),
    ...(last_use
      ? [`last use: ${last_use.source}, ${ago(last_use.at)} ago, at ${formatTime(Date.parse(last_use.at))}`]
      : []),
    ...describeSleep(found, now, paint),
    ...describeBackup(found, ago),
    ...(save === null ? [] : explainSaved(name, saved_at, save, now, paint)),
    ...log_tail.map((line) => `  ${line}`),
  ];
}

function describeBackup({ backup }: Explanation, ago: (at: string) => string): string[] {
  if (!backup) return [];
  const { last_at, last_file, phase, problem } = backup;
  return [
    last_at === null ? "backup: none yet" : `last backup: ${ago(last_at)} ago, ${last_file ?? ""}`,
    ...(phase === null ? [] : [`now: ${phase}`]),
    ...(problem === null ? [] : [`! ${problem}`]),
  ];
}

function describeReplicas({ release, replicas = [] }: Explanation): string[] {
  return [
    ...(release === undefined ? [] : [`release: ${release ?? "none is live"}`]),
    ...replicas.map(({ release: of, slot, state, pid, restarts, why: its }) => {
      const process = pid === null ? "" : `, process ${pid}`;
      const again = restarts === 0 ? "" : `, started again ${restarts === 1 ? "once" : `${restarts} times`}`;
      return `replica ${of}.${slot}: ${state}${process}${again}: ${its}`;
    }),
  ];
}

function describeSleep(found: Explanation, now: number, paint: Paint): string[] {
  const { name, sleeps_at, announced, held, kept_awake_by } = found;
  const left = sleeps_at === null ? 0 : Math.max(0, Date.parse(sleeps_at) - now);
  const when =
    sleeps_at && `sleeps in ${formatMs(left)}, at ${formatTime(Date.parse(sleeps_at))}, unless it is used`;
  return [
    ...(held
      ? [
          `held awake until ${formatTime(Date.parse(held.until))}${held.reason === null ? "" : `: ${held.reason}`}`,
          `  \`sesta awake ${name} --until-idle\` lets go`,
        ]
      : []),
    ...(when ? [announced ? paint("yellow", when) : when] : []),
    ...(kept_awake_by.length === 0 ? [] : [`what keeps it awake: ${kept_awake_by.join(", ")}`]),
  ];
}
