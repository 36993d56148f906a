// What an interrupted apply made is found in AWS, as moto plays it: by tags, or by name where there are none.
import {
  CreateSecurityGroupCommand,
  EC2Client,
  RunInstancesCommand,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import {
  CreateInstanceProfileCommand,
  CreateRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { AddPermissionCommand, CreateFunctionCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { ResourceGroupsTaggingAPIClient } from "@aws-sdk/client-resource-groups-tagging-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findMoto, startCloud, type Cloud } from "../../../test/support/moto.ts";
import type { Intent } from "../../state/intent-state.ts";
import { createAwsFind, importId, type AwsClients } from "./find.ts";
import { trust } from "./machine-blocks.ts";
import { nameOf, tagsOf, type Stack } from "./stack.ts";

const stack: Stack = { project: "vision", workload: "notebook", id: "0a1b2c3d", region: "us-east-1" };
const other: Stack = { ...stack, id: "99999999" };
const name = nameOf(stack, "wake");

function intend(type: string, label: string, names: Record<string, string> = {}): Intent {
  const address = `${type}.${label}`;
  return { address, type, identity: { tags: tagsOf(stack, address), names } };
}

const wanted = [
  intend("aws_instance", "lab"),
  intend("aws_security_group", "lab"),
  intend("aws_iam_role", "wake", { name }),
  intend("aws_iam_instance_profile", "lab", { name }),
  intend("aws_iam_role_policy", "wake", { name: "wake", role: name }),
  intend("aws_lambda_function", "wake", { function_name: name }),
  intend("aws_lambda_permission", "wake", { function_name: name, statement_id: "api" }),
];

const moto = findMoto();
if (typeof moto === "string") console.warn(`find.test.ts: skipped: ${moto}`);

describe.skipIf(typeof moto === "string")("in AWS", { timeout: 60_000 }, () => {
  let cloud: Cloud;
  let clients: AwsClients;
  beforeAll(async () => {
    if (typeof moto === "string") return;
    cloud = await startCloud(moto.python);
    const credentials = { accessKeyId: "any", secretAccessKey: "thing" };
    const settings = { endpoint: cloud.url, region: "us-east-1", credentials };
    clients = {
      ec2: new EC2Client(settings),
      iam: new IAMClient(settings),
      lambda: new LambdaClient(settings),
      tagging: new ResourceGroupsTaggingAPIClient(settings),
    };
  }, 120_000);
  afterAll(() => cloud?.end());

  const toList = (tags: Record<string, string>) =>
    Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));

  async function runInstance(of: Stack): Promise<string> {
    const { Instances = [] } = await clients.ec2.send(
      new RunInstancesCommand({
        ImageId: "ami-12c6146b",
        MinCount: 1,
        MaxCount: 1,
        TagSpecifications: [{ ResourceType: "instance", Tags: toList(tagsOf(of, "aws_instance.lab")) }],
      }),
    );
    return Instances[0]?.InstanceId ?? "";
  }

  test("F16: nothing where nothing was made", async () => {
    expect(await createAwsFind(clients)(wanted)).toEqual([]);
  });

  test("F16: all of it, under the ids that Terraform imports, and of no other stack", async () => {
    const { ec2, iam, lambda } = clients;
    await runInstance(other);
    const ended = await runInstance(stack);
    await ec2.send(new TerminateInstancesCommand({ InstanceIds: [ended] }));
    const instance = await runInstance(stack);
    const { GroupId: group = "" } = await ec2.send(
      new CreateSecurityGroupCommand({
        GroupName: name,
        Description: "of a test",
        TagSpecifications: [
          { ResourceType: "security-group", Tags: toList(tagsOf(stack, "aws_security_group.lab")) },
        ],
      }),
    );
    const AssumeRolePolicyDocument = JSON.stringify(trust("lambda.amazonaws.com"));
    const { Role } = await iam.send(new CreateRoleCommand({ RoleName: name, AssumeRolePolicyDocument }));
    await iam.send(new CreateInstanceProfileCommand({ InstanceProfileName: name }));
    const Statement = [{ Effect: "Allow", Action: "ec2:DescribeInstances", Resource: "*" }];
    const PolicyDocument = JSON.stringify({ Version: "2012-10-17", Statement });
    await iam.send(new PutRolePolicyCommand({ RoleName: name, PolicyName: "wake", PolicyDocument }));
    await lambda.send(
      new CreateFunctionCommand({
        FunctionName: name,
        Role: Role?.Arn,
        Runtime: "nodejs22.x",
        Handler: "index.handler",
        Code: { ZipFile: Buffer.from("PK\x05\x06" + "\0".repeat(18)) },
        Tags: tagsOf(stack, "aws_lambda_function.wake"),
      }),
    );
    await lambda.send(
      new AddPermissionCommand({
        FunctionName: name,
        StatementId: "api",
        Action: "lambda:InvokeFunction",
        Principal: "apigateway.amazonaws.com",
      }),
    );
    const found = await createAwsFind(clients)(wanted);
    expect(Object.fromEntries(found.map(({ address, id }) => [address, id]))).toEqual({
      "aws_instance.lab": instance,
      "aws_security_group.lab": group,
      "aws_iam_role.wake": name,
      "aws_iam_instance_profile.lab": name,
      "aws_iam_role_policy.wake": `${name}:wake`,
      "aws_lambda_function.wake": name,
      "aws_lambda_permission.wake": `${name}/api`,
    });
    expect(found).toHaveLength(wanted.length);
  });

  test("who cannot look does not say that nothing is there", async () => {
    const { accessKeyId, secretAccessKey } = { accessKeyId: "any", secretAccessKey: "thing" };
    const settings = {
      endpoint: "http://127.0.0.1:9",
      region: "us-east-1",
      maxAttempts: 1,
      credentials: { accessKeyId, secretAccessKey },
    };
    const away = { ...clients, iam: new IAMClient(settings) };
    await expect(createAwsFind(away)(wanted)).rejects.toThrow();
  });
});

test.each([
  ["aws_apigatewayv2_api", "arn:aws:apigateway:us-east-1::/apis/a1b2c3", "a1b2c3"],
  ["aws_apigatewayv2_stage", "arn:aws:apigateway:us-east-1::/apis/a1b2c3/stages/v1", "a1b2c3/v1"],
  ["aws_cloudwatch_log_group", "arn:aws:logs:us-east-1:1:log-group:/aws/lambda/x:*", "/aws/lambda/x"],
  ["aws_lambda_function", "arn:aws:lambda:us-east-1:1:function:x", "x"],
  ["aws_ecs_service", "arn:aws:ecs:us-east-1:1:service/cluster/web", "cluster/web"],
  ["aws_ecs_cluster", "arn:aws:ecs:us-east-1:1:cluster/web", "web"],
  ["aws_lb", "arn:aws:elasticloadbalancing:us-east-1:1:loadbalancer/app/x/1", undefined],
  ["aws_ecr_repository", "arn:aws:ecr:us-east-1:1:repository/team/iris", "team/iris"],
  ["aws_db_instance", "arn:aws:rds:us-east-1:1:db:x", "x"],
  ["aws_db_subnet_group", "arn:aws:rds:us-east-1:1:subgrp:x", "x"],
  ["aws_s3_bucket", "arn:aws:s3:::bucket", "bucket"],
  ["aws_vpc", "arn:aws:ec2:us-east-1:1:vpc/vpc-1", "vpc-1"],
])("%s is imported by %s", (type, arn, id) => {
  expect(importId(type, arn)).toBe(id ?? arn);
});
