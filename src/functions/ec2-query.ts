// One call of EC2's Query API, signed; what it refuses becomes a problem in words.
import { AwsV4Signer } from "aws4fetch";
import { getVariable, type Variables } from "../model/wake-function.ts";
import { findText, readXml, type Element } from "./read-xml.ts";
import { CloudProblem } from "./wake-machine.ts";

/** Resolves to the document; rejects with a `CloudProblem`. */
export type Ec2 = (action: string, parameters: Readonly<Record<string, string>>) => Promise<Element>;

const apiVersion = "2016-11-15";
/** Four calls fit into the function's time. */
const longestCallMs = 3_000;

/** @param variables those of the function's runtime; an endpoint as AWS SDKs read it (AWS SDKs Reference Guide, "Service-specific endpoints") */
export function createEc2(variables: Variables): Ec2 {
  const region = getVariable(variables, "AWS_REGION");
  const signing = {
    url: findEndpoint(variables, region),
    service: "ec2",
    region,
    accessKeyId: getVariable(variables, "AWS_ACCESS_KEY_ID"),
    secretAccessKey: getVariable(variables, "AWS_SECRET_ACCESS_KEY"),
    ...(variables["AWS_SESSION_TOKEN"] && { sessionToken: variables["AWS_SESSION_TOKEN"] }),
    cache: new Map<string, ArrayBuffer>(),
  };
  return async (action, parameters) => {
    const body = new URLSearchParams({ Action: action, Version: apiVersion, ...parameters }).toString();
    const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
    const signed = await new AwsV4Signer({ ...signing, method: "POST", headers, body }).sign();
    const { status, text } = await send(signed.url, signed.headers, body);
    const document = readAnswer(text);
    if (status === 200 && document) return document;
    throw explain(status, document && findText(document, "Response", "Errors", "Error", "Code"));
  };
}

function findEndpoint(variables: Variables, region: string): string {
  const own = variables["AWS_ENDPOINT_URL_EC2"] || variables["AWS_ENDPOINT_URL"];
  return own || `https://ec2.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}/`;
}

async function send(url: URL, headers: Headers, body: string): Promise<{ status: number; text: string }> {
  try {
    const signal = AbortSignal.timeout(longestCallMs);
    const response = await fetch(url, { method: "POST", headers, body, signal });
    return { status: response.status, text: await response.text() };
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    throw new CloudProblem(code, "AWS does not answer right now", true);
  }
}

/** Undefined where it is no XML: what stands between answers in a language of its own. */
function readAnswer(text: string): Element | undefined {
  try {
    return readXml(text);
  } catch {
    return undefined;
  }
}

// Amazon EC2 API Reference, "Error codes for the Amazon EC2 API".
const tooOften = new Set(["RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled"]);
const noneFree = new Set([
  "InsufficientInstanceCapacity",
  "InsufficientHostCapacity",
  "InsufficientCapacity",
]);
const overLimit = new Set(["InstanceLimitExceeded", "VcpuLimitExceeded", "MaxSpotInstanceCountExceeded"]);

function explain(status: number, found: string | undefined): CloudProblem {
  const code = found && /^[\w.]{1,80}$/.test(found) ? found : `HTTP ${status}`;
  if (tooOften.has(code)) return new CloudProblem(code, "AWS is asked too often right now", true);
  if (noneFree.has(code))
    return new CloudProblem(code, "AWS has no machine of its type free right now", false);
  if (overLimit.has(code))
    return new CloudProblem(code, "the AWS account's limit of machines of its type is reached", false);
  if (status >= 500 || status === 200) return new CloudProblem(code, "AWS does not answer right now", true);
  return new CloudProblem(code, `AWS refused it (${code})`, false);
}
