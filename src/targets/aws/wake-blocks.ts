// The wake address of a machine: API Gateway in front of a function that may start this machine, and nothing else.
import {
  awsApigatewayv2Api,
  awsApigatewayv2Stage,
  awsCloudwatchLogGroup,
  awsIamRole,
  awsIamRolePolicy,
  awsLambdaFunction,
  awsLambdaPermission,
  dataAwsCallerIdentity,
} from "../terraform/aws.gen.ts";
import { json, of, text, type Block } from "../terraform/block.ts";
import { trust } from "./machine-blocks.ts";
import { nameOf, tagNames, tagsOf, type Stack } from "./stack.ts";

export type WakeFunction = {
  /** Path of the zip file, relative to the root, and its SHA-256 in base64. */
  file: string;
  hash: string;
  /** What it is told, from `buildWakeVariables`: no secret is among it. */
  variables: Readonly<Record<string, string>>;
};

/** Requests a second to the whole address, and how many may come at once. */
const rate = { throttling_rate_limit: 10, throttling_burst_limit: 20 };
const keptLogDays = 14;
/** Lambda gives a core for 1,769 MB and a share for less; the slow hash of a password takes 0.1 s of a whole one. (Lambda Developer Guide, "Memory") */
const memoryMegabytes = 1024;

export function buildWake(
  stack: Stack,
  instance: Block,
  { file, hash, variables }: WakeFunction,
): { stage: Block; blocks: readonly Block[] } {
  const name = nameOf(stack, "wake");
  const tags = (type: string) => tagsOf(stack, `${type}.wake`);
  const account = dataAwsCallerIdentity("current", {});
  const log = awsCloudwatchLogGroup("wake", {
    name: `/aws/lambda/${name}`,
    retention_in_days: keptLogDays,
    tags: tags("aws_cloudwatch_log_group"),
  });
  const role = awsIamRole("wake", {
    name,
    description: `Starts the machine of ${stack.workload} for whoever knows its password`,
    assume_role_policy: json(trust("lambda.amazonaws.com")),
    tags: tags("aws_iam_role"),
  });
  const policy = awsIamRolePolicy("wake", {
    name: "wake",
    role: of(role, "name"),
    policy: json(rights(stack, account, instance, log)),
  });
  const handler = awsLambdaFunction("wake", {
    function_name: name,
    role: of(role, "arn"),
    runtime: "nodejs22.x",
    architectures: ["arm64"],
    handler: "index.handler",
    filename: file,
    source_code_hash: hash,
    memory_size: memoryMegabytes,
    timeout: 15,
    environment: { variables: { ...variables, SESTA_INSTANCE: of(instance, "id") } },
    tags: tags("aws_lambda_function"),
    depends_on: [log, policy],
  });
  const api = awsApigatewayv2Api("wake", {
    name,
    protocol_type: "HTTP",
    body: json(describeApi(stack, name, handler)),
    tags: tags("aws_apigatewayv2_api"),
  });
  const stage = awsApigatewayv2Stage("wake", {
    api_id: of(api, "id"),
    name: "v1",
    auto_deploy: true,
    default_route_settings: rate,
    tags: tags("aws_apigatewayv2_stage"),
  });
  const permission = awsLambdaPermission("wake", {
    statement_id: "api",
    action: "lambda:InvokeFunction",
    function_name: of(handler, "function_name"),
    principal: "apigateway.amazonaws.com",
    source_arn: text`${of(api, "execution_arn")}/*`,
  });
  const blocks = [account, log, role, policy, handler, api, stage, permission];
  return { stage, blocks };
}

/**
 * Its routes as OpenAPI: one resource, so that a kill leaves no route that nobody finds again.
 * (API Gateway Developer Guide, "OpenAPI definitions for HTTP APIs in API Gateway")
 */
function describeApi({ workload }: Stack, title: string, handler: Block) {
  const called = {
    "x-amazon-apigateway-integration": {
      type: "aws_proxy",
      httpMethod: "POST",
      uri: of(handler, "invoke_arn"),
      payloadFormatVersion: "2.0",
    },
  };
  const start = { get: called, post: called };
  return {
    openapi: "3.0.1",
    info: { title, version: "1" },
    paths: { "/start": start, [`/${workload}/start`]: start, "/ready": { post: called } },
  };
}

/** EC2 describes all machines or none: that action knows no resource. (Service Authorization Reference, "Amazon EC2") */
function rights({ region }: Stack, account: Block, instance: Block, log: Block) {
  const machine = text`arn:aws:ec2:${region}:${of(account, "account_id")}:instance/${of(instance, "id")}`;
  return {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "ec2:StartInstances", Resource: machine },
      { Effect: "Allow", Action: "ec2:DescribeInstances", Resource: "*" },
      {
        Effect: "Allow",
        Action: ["ec2:CreateTags", "ec2:DeleteTags"],
        Resource: machine,
        // Without the second condition, a request that names no key would pass.
        Condition: {
          "ForAllValues:StringEquals": { "aws:TagKeys": [tagNames.ready] },
          Null: { "aws:TagKeys": "false" },
        },
      },
      {
        Effect: "Allow",
        Action: ["logs:CreateLogStream", "logs:PutLogEvents"],
        Resource: text`${of(log, "arn")}:*`,
      },
    ],
  };
}
