// The wake function as AWS Lambda loads it: `index.handler`.
import process from "node:process";
import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { getVariable } from "../model/wake-function.ts";
import { createEc2Machine } from "./ec2-machine.ts";
import { createEc2 } from "./ec2-query.ts";
import { readEvent, toResult, type LambdaEvent, type LambdaResult } from "./lambda-event.ts";
import { createWakeFunction } from "./wake-function.ts";

const variables = process.env;
const answer = createWakeFunction({
  variables,
  machine: createEc2Machine(createEc2(variables), getVariable(variables, "SESTA_INSTANCE")),
  clock: systemClock,
  log: createLog((line) => process.stdout.write(line), systemClock.now),
});

export async function handler(event: LambdaEvent): Promise<LambdaResult> {
  return toResult(await answer(readEvent(event)));
}
