// A lab on AWS as one root: a machine that is asleep by default, and the address that wakes it.
import type { AwsTargetSection, CloudMachine } from "../../model/aws.ts";
import { of, text } from "../terraform/block.ts";
import type { Root } from "../terraform/build-root.ts";
import { buildMachine } from "./machine-blocks.ts";
import { buildProviders, terraformVersion } from "./provider.ts";
import type { Stack } from "./stack.ts";
import { buildWake, type WakeFunction } from "./wake-blocks.ts";

/** @param wake undefined: it is woken by this project's commands alone */
export function buildLabRoot(
  stack: Stack,
  section: AwsTargetSection,
  machine: CloudMachine,
  wake: WakeFunction | undefined,
): Root {
  const { instance, blocks } = buildMachine(stack, "lab", machine, {
    keyName: section.key.name,
    allow: section.allow,
  });
  const waking = wake && buildWake(stack, instance, wake);
  return {
    version: terraformVersion,
    providers: buildProviders(section),
    blocks: [...blocks, ...(waking?.blocks ?? [])],
    outputs: {
      instance: { description: "The machine.", value: of(instance, "id") },
      address: { description: "Its address, while it is awake.", value: of(instance, "public_ip") },
      ...(waking && {
        wake: {
          description: "The address that wakes it.",
          value: text`${of(waking.stage, "invoke_url")}/start`,
        },
      }),
    },
  };
}
