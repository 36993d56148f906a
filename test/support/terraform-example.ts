// A small root for tests: a network with machines in it.
import {
  awsInstance,
  awsInternetGateway,
  awsSecurityGroup,
  awsSubnet,
  awsVpc,
} from "../../src/targets/terraform/aws.gen.ts";
import { of } from "../../src/targets/terraform/block.ts";
import { buildRoot, type Root } from "../../src/targets/terraform/build-root.ts";

/** @param zones one subnet each */
export function buildExample(zones: readonly string[], backend?: Root["backend"]): string {
  const tags = (address: string) => ({ "sesta:address": address });
  const vpc = awsVpc("main", { cidr_block: "10.0.0.0/16", tags: tags("vpc") });
  const subnets = zones.map((zone, index) =>
    awsSubnet(zone, { vpc_id: of(vpc, "id"), cidr_block: `10.0.${index}.0/24`, tags: tags(zone) }),
  );
  const group = awsSecurityGroup("lab", { vpc_id: of(vpc, "id"), tags: tags("group") });
  const gateway = awsInternetGateway("main", { vpc_id: of(vpc, "id"), tags: tags("gateway") });
  const instances = subnets.map((subnet) =>
    awsInstance(subnet.name, {
      ami: "ami-1",
      instance_type: "t3.small",
      subnet_id: of(subnet, "id"),
      vpc_security_group_ids: [of(group, "id")],
      tags: tags(`instance-${subnet.name}`),
    }),
  );
  return buildRoot({
    version: ">= 1.6",
    providers: { aws: { source: "hashicorp/aws", version: "~> 5.46", settings: { region: "us-east-1" } } },
    ...(backend && { backend }),
    blocks: [vpc, ...subnets, group, gateway, ...instances],
    outputs: { vpc: { description: "Its network.", value: of(vpc, "id") } },
  });
}
