// Goes back to a release that was live before, without building anything.
import { SestaError } from "../../base/errors.ts";
import type { Progress } from "../../model/plan.ts";
import type { Release } from "../../model/release.ts";
import type { Context } from "../context.ts";
import { requireUp } from "../plan.ts";
import { untilDecided } from "./deploy.ts";

/** @param number null: the one before. @throws SestaError UNKNOWN_RELEASE, DEPLOY_FAILED, NOT_UP */
export async function rollback(
  context: Context,
  name: string,
  number: number | null,
  on: Progress,
): Promise<Release> {
  requireUp(context, name);
  const { agent } = context.targets.of(name);
  await agent.ensure();
  const asked = { name, why: "An earlier release is gone back to.", by: "owner", number };
  const begun = await agent.call("rollback", asked);
  const ended = await untilDecided(context, name, begun, on);
  if (ended.state === "live") return ended;
  throw new SestaError(
    "DEPLOY_FAILED",
    `Release ${ended.number} of ${name} did not become healthy: ${ended.why}`,
    {
      problems: ended.logTail,
      hint: "What was live before stays.",
    },
  );
}
