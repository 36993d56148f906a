// Amazon ECR: its host and a password for twelve hours, by the `aws` command and whatever credentials that has.
import { SestaError } from "../../../base/errors.ts";
import type { Argv, Machine } from "../../../machine/machine.ts";
import type { PushTarget, RegistrySection } from "../../../model/pipeline.ts";

type Ecr = Extract<RegistrySection, { type: "ecr" }>;

/** `HOST/REPOSITORY[:TAG]` of any target. @throws SestaError COMMAND_MISSING, PUSH_FAILED */
export async function completeReference(here: Machine, { registry, reference }: PushTarget): Promise<string> {
  if (registry?.type !== "ecr" || registry.account !== undefined) return reference;
  const account = await aws(here, registry, [
    "sts",
    "get-caller-identity",
    "--query",
    "Account",
    "--output",
    "text",
  ]);
  return `${account}.dkr.ecr.${registry.region}.amazonaws.com/${reference}`;
}

export function getEcrPassword(here: Machine, registry: Ecr): Promise<string> {
  return aws(here, registry, ["ecr", "get-login-password"]);
}

async function aws(here: Machine, { region, profile }: Ecr, operands: readonly string[]): Promise<string> {
  const own = [...operands, "--region", region, ...(profile === undefined ? [] : ["--profile", profile])];
  const argv: Argv = ["aws", ...own];
  const ran = await here.run(argv, { timeoutMs: 60_000, env: { AWS_PAGER: "" } }).catch((error: unknown) => {
    if (!(error instanceof SestaError) || error.code !== "COMMAND_MISSING") throw error;
    throw new SestaError("COMMAND_MISSING", "needs the `aws` command for its login, and there is none here", {
      hint: "Install the AWS CLI, or give a registry with `host`, `username` and `password`.",
      cause: error,
    });
  });
  const said = ran.stdout.trim();
  if (ran.exitCode === 0 && said !== "") return said;
  const why = ran.stderr.trim().split("\n").at(-1) ?? "";
  throw new SestaError(
    "PUSH_FAILED",
    `gives no login: \`aws ${operands.slice(0, 2).join(" ")}\` says ${why}`,
    {
      hint: "`aws sts get-caller-identity` must work here, and the account may push to ECR.",
    },
  );
}
