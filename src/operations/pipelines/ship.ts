// How stages build, push, deploy and take away services. They come with workloads of type `service`.
import { SestaError } from "../../base/errors.ts";
import type { ShipService } from "../../pipelines/ports.ts";
import type { Context } from "../context.ts";

export function createShip(_context: Context): ShipService {
  const refuse = async (): Promise<never> => {
    throw new SestaError("UNSUPPORTED", "Services cannot be built or deployed yet", {
      hint: "They come with the workload type `service`; run the other stages with --only or --from.",
    });
  };
  return { build: refuse, push: refuse, deploy: refuse, destroy: refuse };
}
