// The machine of one workload on EC2: how it is, and how it is started.
import { DescribeInstancesCommand, StartInstancesCommand, type EC2Client } from "@aws-sdk/client-ec2";

/** As EC2 calls them. (Amazon EC2 User Guide, "Instance lifecycle") */
export type InstanceState = "pending" | "running" | "stopping" | "stopped" | "shutting-down" | "terminated";

export type Instance = {
  state: InstanceState;
  /** Null while it is not running. */
  address: string | null;
  /** When it was started last; of one that is stopped, when that was before. */
  startedAt: number;
};

/** @returns undefined for one that is not there, or not any more */
export async function describeInstance(ec2: EC2Client, id: string): Promise<Instance | undefined> {
  const Filters = [{ Name: "instance-id", Values: [id] }]; // an id that is unknown is then no error
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  const found = Reservations.flatMap(({ Instances = [] }) => Instances)[0];
  const state = found?.State?.Name;
  if (!found || state === undefined || state === "terminated" || state === "shutting-down") return undefined;
  return {
    state,
    address: state === "running" ? (found.PublicIpAddress ?? null) : null,
    startedAt: found.LaunchTime?.getTime() ?? 0,
  };
}

/** Does nothing to one that runs. */
export async function startInstance(ec2: EC2Client, id: string): Promise<void> {
  await ec2.send(new StartInstancesCommand({ InstanceIds: [id] }));
}
