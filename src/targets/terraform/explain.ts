// What Terraform says when it fails, as one error for people: what failed, where, and what to do.
import { redact } from "../../base/redact.ts";
import { SestaError } from "../../base/errors.ts";
import type { Argv } from "../../machine/machine.ts";
import { readEvents, type Diagnostic } from "./read-event.ts";

/** Words of providers and of Terraform itself, and what helps. */
const known: readonly [RegExp, string][] = [
  [
    /ExpiredToken|token (?:included in the request )?is expired|SSO session.*expired/i,
    "Sign in again: `aws sso login`, or new keys for the profile.",
  ],
  [
    /No valid credential sources|no EC2 IMDS role found|failed to refresh cached credentials/i,
    "Give credentials: a `profile:`, AWS_PROFILE, or access keys in the environment. `sesta doctor` checks them.",
  ],
  [
    /AccessDenied|UnauthorizedOperation|not authorized to perform/i,
    "Give the account that permission; `sesta doctor` prints the policy that is needed.",
  ],
  [/Error acquiring the state lock/i, "Another apply holds the state: wait until it ends."],
  [
    /no space left on device/i,
    "Make room on the disk and run the command again: it goes on from what was made.",
  ],
  [/Saved plan is stale/i, "Run the command again and look at the new plan."],
  [
    /Failed to query available provider packages|could not connect to registry|Failed to install provider/i,
    "The provider is fetched once: check the network, or TF_CLI_CONFIG_FILE.",
  ],
  [/LimitExceeded|QuotaExceeded|VcpuLimitExceeded/i, "Ask for a higher quota, or take a smaller machine."],
];

/** @param printed by Terraform: lines of JSON, or text */
export function explainFailure(name: string, [program, verb]: Argv, printed: string): SestaError {
  const errors = listErrors(printed);
  const [first] = errors;
  const what = first ? say(first) : (lastLine(printed) ?? "it was killed, or crashed");
  const hint = known.find(([words]) => words.test(`${what} ${first?.detail ?? ""} ${printed}`))?.[1];
  return new SestaError("TERRAFORM", redact(`${program} ${verb} for ${name} failed: ${what}`), {
    ...(first?.address !== undefined && { where: first.address }),
    ...(errors.length > 1 && { problems: errors.slice(1).map((one) => redact(say(one))) }),
    hint: hint ?? "Run the command again: it goes on from what was made, and takes nothing twice.",
  });
}

function listErrors(printed: string): Diagnostic[] {
  return readEvents(printed).flatMap((event) =>
    event.kind === "diagnostic" && event.diagnostic.severity === "error" ? [event.diagnostic] : [],
  );
}

function say({ summary, detail }: Diagnostic): string {
  const more = (detail ?? "").split("\n").find((line) => line.trim() !== "");
  return more === undefined ? summary : `${summary}: ${more.trim()}`;
}

/** Of text for people, which some commands print only: without its frame. */
function lastLine(printed: string): string | undefined {
  const lines = printed.split("\n").map((line) => line.replace(/^[│╷╵ ]+/, "").trim());
  return lines.find((line) => line.startsWith("Error: "))?.slice(7) ?? lines.findLast((line) => line !== "");
}
