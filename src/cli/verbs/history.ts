// `sesta history`: every change of state, with its reason and who caused it.
import { listHistory } from "../../operations/history.ts";
import { formatTime } from "../durations.ts";
import type { Verb } from "../session.ts";
import { formatTable } from "../terminal.ts";

export const history: Verb<object, [string?]> = async (session, flags, name) => {
  const context = await session.open();
  const { changes, uses } = await listHistory(context, name);
  const events = changes.map(({ seq: _, at, ...rest }) => ({ at: new Date(at).toISOString(), ...rest }));
  const use = uses.map(({ workload, source, from, to }) => ({
    workload,
    source,
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
  }));
  if (flags.json) return session.json({ events, use });
  const { terminal } = session;
  if (events.length === 0) return terminal.out("Nothing has happened yet.\n");
  const rows = events.map(({ at, workload, from, to, by, why }) => [
    formatTime(Date.parse(at)),
    workload,
    `${from} → ${to}`,
    by,
    why,
  ]);
  terminal.out(
    formatTable([
      ["when", "workload", "change", "by", "why"].map((cell) => terminal.paint("dim", cell)),
      ...rows,
    ]),
  );
};
