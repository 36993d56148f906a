// Finds in AWS what was about to be made: by its tags where it has some, else by its name.
import {
  GetInstanceProfileCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
} from "@aws-sdk/client-iam";
import { DescribeInstancesCommand, EC2Client } from "@aws-sdk/client-ec2";
import { GetPolicyCommand, LambdaClient } from "@aws-sdk/client-lambda";
import {
  paginateGetResources,
  ResourceGroupsTaggingAPIClient,
} from "@aws-sdk/client-resource-groups-tagging-api";
import type { Intent } from "../../state/intent-state.ts";
import type { FindResources, FoundResource } from "../terraform/find.ts";
import { tagNames } from "./stack.ts";

export type AwsClients = {
  ec2: EC2Client;
  iam: IAMClient;
  lambda: LambdaClient;
  tagging: ResourceGroupsTaggingAPIClient;
};

type Find = (clients: AwsClients, intent: Intent) => Promise<string | undefined>;

/** @throws what the SDK throws, where AWS does not answer or lets nobody look: then nothing is known to be gone */
export function createAwsFind(clients: AwsClients): FindResources {
  return async (wanted) => {
    const tagged = await listTagged(clients, wanted);
    const named = await Promise.all(
      wanted.map(async (intent): Promise<FoundResource[]> => {
        const id = await byName[intent.type]?.(clients, intent);
        return id === undefined ? [] : [{ address: intent.address, id }];
      }),
    );
    return [...tagged, ...named.flat()];
  };
}

/** IAM is not in the tagging API, and some have no tags at all. */
const byName: Readonly<Record<string, Find>> = {
  aws_iam_role: async ({ iam }, { identity: { names } }) =>
    exists(iam.send(new GetRoleCommand({ RoleName: names["name"] })), names["name"]),
  aws_iam_instance_profile: async ({ iam }, { identity: { names } }) =>
    exists(iam.send(new GetInstanceProfileCommand({ InstanceProfileName: names["name"] })), names["name"]),
  aws_iam_role_policy: async ({ iam }, { identity: { names } }) =>
    exists(
      iam.send(new GetRolePolicyCommand({ RoleName: names["role"], PolicyName: names["name"] })),
      `${names["role"]}:${names["name"]}`,
    ),
  aws_lambda_permission: async ({ lambda }, { identity: { names } }) => {
    const found = await orMissing(
      lambda.send(new GetPolicyCommand({ FunctionName: names["function_name"] })),
    );
    const { Statement = [] } = JSON.parse(found?.Policy ?? "{}") as { Statement?: { Sid?: string }[] };
    const isThere = Statement.some(({ Sid }) => Sid === names["statement_id"]);
    return isThere ? `${names["function_name"]}/${names["statement_id"]}` : undefined;
  },
};

async function listTagged({ tagging, ec2 }: AwsClients, wanted: readonly Intent[]): Promise<FoundResource[]> {
  const stacks = new Set(wanted.flatMap(({ identity }) => identity.tags[tagNames.stack] ?? []));
  const byAddress = new Map(wanted.map((intent) => [intent.address, intent]));
  const found: FoundResource[] = [];
  for (const stack of stacks) {
    const TagFilters = [{ Key: tagNames.stack, Values: [stack] }];
    for await (const { ResourceTagMappingList = [] } of paginateGetResources(
      { client: tagging },
      { TagFilters },
    ))
      for (const { ResourceARN: arn, Tags = [] } of ResourceTagMappingList) {
        const address = Tags.find(({ Key }) => Key === tagNames.address)?.Value ?? "";
        const intent = byAddress.get(address);
        if (intent && arn !== undefined && !(intent.type in byName))
          found.push({ address, id: importId(intent.type, arn) });
      }
  }
  const gone = await listTerminated(ec2, found);
  return found.filter(({ id }) => !gone.has(id));
}

/** Those that were terminated are listed for an hour more. */
async function listTerminated(ec2: EC2Client, found: readonly FoundResource[]): Promise<Set<string>> {
  const ids = found.filter(({ address }) => address.startsWith("aws_instance.")).map(({ id }) => id);
  if (ids.length === 0) return new Set();
  const Filters = [{ Name: "instance-id", Values: ids }];
  const { Reservations = [] } = await ec2.send(new DescribeInstancesCommand({ Filters }));
  const living = Reservations.flatMap(({ Instances = [] }) => Instances)
    .filter(({ State }) => State?.Name !== "terminated" && State?.Name !== "shutting-down")
    .map(({ InstanceId }) => InstanceId);
  return new Set(ids.filter((id) => !living.includes(id)));
}

/** As the provider's documentation says of each under "Import"; most take what stands last in the ARN. */
export function importId(type: string, arn: string): string {
  const resource = arn.split(":").slice(5).join(":");
  switch (type) {
    case "aws_apigatewayv2_api":
    case "aws_apigatewayv2_stage":
      return resource.replace(/^\/apis\//, "").replace("/stages/", "/");
    case "aws_cloudwatch_log_group":
      return resource.replace(/^log-group:/, "").replace(/:\*$/, "");
    case "aws_ecs_service":
      return resource.replace(/^service\//, "");
    case "aws_ecr_repository":
      return resource.replace(/^repository\//, "");
    case "aws_lb":
    case "aws_lb_listener":
    case "aws_lb_target_group":
    case "aws_ecs_task_definition":
      return arn;
    case "aws_db_instance":
    case "aws_db_subnet_group":
    case "aws_lambda_function":
      return resource.replace(/^[a-z]+:/, "");
    default:
      return resource.replace(/^[^/]*\//, "");
  }
}

async function exists(asked: Promise<unknown>, id: string | undefined): Promise<string | undefined> {
  return (await orMissing(asked)) === undefined ? undefined : id;
}

/** Undefined where AWS says that there is none. */
async function orMissing<Answer>(asked: Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await asked;
  } catch (error) {
    const name = error instanceof Error ? error.name : "";
    if (/^(?:NoSuchEntity(?:Exception)?|ResourceNotFoundException)$/.test(name)) return undefined;
    throw error;
  }
}
