// The one instance that the wake function may start.
import { readyTag } from "../model/aws.ts";
import type { Ec2 } from "./ec2-query.ts";
import { findAll, findText, type Element } from "./read-xml.ts";
import { CloudProblem, type SeenMachine, type WakeMachine } from "./wake-machine.ts";

export function createEc2Machine(ec2: Ec2, instance: string): WakeMachine {
  return {
    async look() {
      const document = await ec2("DescribeInstances", { "InstanceId.1": instance }).catch(unlessMissing);
      const path = ["DescribeInstancesResponse", "reservationSet", "item", "instancesSet", "item"];
      const [item] = document ? findAll(document, ...path) : [];
      return item && readInstance(item);
    },
    async start() {
      await ec2("StartInstances", { "InstanceId.1": instance });
    },
    async mark(value) {
      await ec2("CreateTags", { "ResourceId.1": instance, "Tag.1.Key": readyTag, "Tag.1.Value": value });
    },
    async unmark() {
      await ec2("DeleteTags", { "ResourceId.1": instance, "Tag.1.Key": readyTag });
    },
  };
}

/** An instance is forgotten about an hour after its end. */
function unlessMissing(error: unknown): undefined {
  if (error instanceof CloudProblem && error.code === "InvalidInstanceID.NotFound") return undefined;
  throw error;
}

// Amazon EC2 API Reference, "InstanceState"; those that are missing have no way back.
const states: Readonly<Record<string, SeenMachine["state"]>> = {
  pending: "starting",
  running: "running",
  stopping: "stopping",
  stopped: "stopped",
};

function readInstance(item: Element): SeenMachine | undefined {
  const state = states[findText(item, "instanceState", "name") ?? ""];
  if (!state) return undefined;
  const tag = findAll(item, "tagSet", "item").find((one) => findText(one, "key") === readyTag);
  return {
    state,
    host: findText(item, "dnsName") ?? findText(item, "ipAddress"),
    launchedAt: Date.parse(findText(item, "launchTime") ?? ""),
    mark: tag && findText(tag, "value"),
  };
}
