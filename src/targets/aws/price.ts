// What a machine costs while it is awake and while it sleeps, out of a dated table.
import type { CloudMachine } from "../../model/aws.ts";
import table from "./prices.json" with { type: "json" };

export type Price = {
  /** US dollars an hour; null: unknown. */
  awakeHour: number | null;
  /** US dollars a month of nothing but sleep; null: unknown. */
  asleepMonth: number | null;
};

/** When the table was right. */
export const pricesAsOf: string = table.as_of;

const machines: Readonly<Record<string, { usd_per_hour: number | null }>> = table.machines;
const gibibyte = 1024 ** 3;

/** On demand, on Linux, with its disk and its public address; traffic is on top. */
export function priceMachine(region: string, { type, diskBytes }: CloudMachine): Price {
  if (!table.regions.includes(region)) return { awakeHour: null, asleepMonth: null };
  const hour = machines[type]?.usd_per_hour ?? null;
  return {
    awakeHour: hour === null ? null : hour + table.address_usd_per_hour,
    asleepMonth: Math.ceil(diskBytes / gibibyte) * table.disk_usd_per_gib_month,
  };
}

/** "$0.53 an hour while awake, $8.00 a month while asleep (prices of 2025-06-30)" */
export function sayPrice({ awakeHour, asleepMonth }: Price): string {
  const say = (usd: number | null, per: string) =>
    usd === null ? `an unknown price ${per}` : `$${usd.toFixed(usd < 0.1 ? 3 : 2)} ${per}`;
  const asleep = say(asleepMonth, "a month while asleep");
  return `${say(awakeHour, "an hour while awake")}, ${asleep} (prices of ${pricesAsOf})`;
}
