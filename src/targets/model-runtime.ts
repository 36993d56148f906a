// onnxruntime, as it is installed beside Sesta.
import { SestaError } from "../base/errors.ts";
import { runtimeVersion } from "../model/model-runtime.ts";
import type { ModelServerSource } from "./target.ts";

/** Its package's folder. @throws SestaError UNSUPPORTED */
export function requireRuntime({ findRuntime }: ModelServerSource): string {
  const found = findRuntime();
  if (found !== undefined) return found;
  throw new SestaError(
    "UNSUPPORTED",
    "Serving a model needs onnxruntime, which is not installed beside Sesta",
    {
      hint: `Run \`npm install onnxruntime-node@${runtimeVersion}\` where Sesta is installed.`,
    },
  );
}
