// A machine on EC2 that sleeps by powering itself off: its disk, its firewall, and a role without any right.
import type { Allow, CloudMachine } from "../../model/aws.ts";
import {
  awsIamInstanceProfile,
  awsIamRole,
  awsInstance,
  awsSecurityGroup,
  dataAwsSsmParameter,
} from "../terraform/aws.gen.ts";
import { json, of, type Block } from "../terraform/block.ts";
import { nameOf, tagNames, tagsOf, type Stack } from "./stack.ts";

export type MachineBlocks = { instance: Block; blocks: readonly Block[] };

/** Where the front door of a lab's machine listens. */
export const labDoorPort = 8443;

const gigabyte = 1024 ** 3;

/** @param name of the blocks: "lab" */
export function buildMachine(
  stack: Stack,
  name: string,
  machine: CloudMachine,
  { keyName, allow }: { keyName: string; allow: Pick<Allow, "ssh" | "lab"> },
): MachineBlocks {
  const image = dataAwsSsmParameter(name, { name: findImage(machine) });
  const group = awsSecurityGroup(name, {
    name: nameOf(stack, name),
    description: `${stack.project} ${stack.workload}: SSH, and the front door of what runs there`,
    ingress: [open("SSH", 22, allow.ssh), open("The front door, with TLS", labDoorPort, allow.lab)].filter(
      ({ cidr_blocks, ipv6_cidr_blocks }) => cidr_blocks.length + ipv6_cidr_blocks.length > 0,
    ),
    egress: [{ ...open("Packages, git, and whatever the work needs", 0, everywhere), protocol: "-1" }],
    tags: tagsOf(stack, `aws_security_group.${name}`),
  });
  const role = awsIamRole(name, {
    name: nameOf(stack, name),
    description: `The machine of ${stack.workload}: it needs nothing of AWS, and may do nothing`,
    assume_role_policy: json(trust("ec2.amazonaws.com")),
    tags: tagsOf(stack, `aws_iam_role.${name}`),
  });
  const profile = awsIamInstanceProfile(name, {
    name: nameOf(stack, name),
    role: of(role, "name"),
    tags: tagsOf(stack, `aws_iam_instance_profile.${name}`),
  });
  const instance = awsInstance(name, {
    ami: machine.image ?? of(image, "value"),
    instance_type: machine.type,
    key_name: keyName,
    iam_instance_profile: of(profile, "name"),
    vpc_security_group_ids: [of(group, "id")],
    associate_public_ip_address: true,
    instance_initiated_shutdown_behavior: "stop",
    metadata_options: { http_endpoint: "enabled", http_tokens: "required", http_put_response_hop_limit: 1 },
    root_block_device: {
      encrypted: true,
      volume_type: "gp3",
      volume_size: Math.ceil(machine.diskBytes / gigabyte),
      delete_on_termination: true,
      tags: tagsOf(stack, `aws_instance.${name}/root`),
    },
    tags: tagsOf(stack, `aws_instance.${name}`),
    // A newer image would be another machine, and the disk of this one would go.
    lifecycle: { ignore_changes: ["ami", `tags["${tagNames.ready}"]`] },
  });
  return { instance, blocks: [...(machine.image === null ? [image] : []), group, role, profile, instance] };
}

const everywhere = ["0.0.0.0/0", "::/0"];

/** Terraform wants every argument of a rule that stands inside its group. */
function open(description: string, port: number, allowed: readonly string[]) {
  return {
    description,
    protocol: "tcp",
    from_port: port,
    to_port: port,
    cidr_blocks: allowed.filter((one) => !one.includes(":")),
    ipv6_cidr_blocks: allowed.filter((one) => one.includes(":")),
    prefix_list_ids: [],
    security_groups: [],
    self: false,
  };
}

export function trust(service: string) {
  return {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
  };
}

/**
 * Public parameters that lead to the newest image. (Ubuntu on AWS, "Find Ubuntu images"; AWS Deep Learning AMIs
 * Developer Guide, "Finding a DLAMI ID")
 */
function findImage({ architecture, hasGpu }: CloudMachine): string {
  if (hasGpu)
    return `/aws/service/deeplearning/ami/${architecture}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id`;
  const arch = architecture === "x86_64" ? "amd64" : "arm64";
  return `/aws/service/canonical/ubuntu/server/24.04/stable/current/${arch}/hvm/ebs-gp3/ami-id`;
}
