// A service's door on a free port before replicas of the test's own.
import { onTestFinished } from "vitest";
import { systemClock, type Clock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { createBalancer, type Balancer, type Replica } from "../../src/front/balancer/balancer.ts";
import type { OutlierOptions } from "../../src/front/balancer/outlier.ts";
import {
  createServiceDoor,
  type ServiceDoor,
  type ServiceDoorOptions,
} from "../../src/front/balancer/service-door.ts";
import type { State } from "../../src/model/words.ts";

export type TestService = {
  balancer: Balancer;
  door: ServiceDoor;
  port: number;
  /** What the door is told; `wakes` counts how often it asked. */
  scene: { state: State; why: string; wakes: number; used: number };
  /** Sets the state, and tells the door. */
  become(state: State, why?: string): void;
};

export type TestServiceOptions = Partial<ServiceDoorOptions> & {
  clock?: Clock;
  outlier?: Partial<OutlierOptions>;
};

/** Awake, open, before one replica on each of `ports`, named r0, r1 and so on. */
export async function startService(
  ports: readonly number[],
  { outlier, ...options }: TestServiceOptions = {},
): Promise<TestService> {
  const { clock = systemClock } = options;
  const balancer = createBalancer({ clock, ...(outlier && { outlier }) });
  balancer.route(ports.map((port, index) => replicaOn(port, `r${index}`)));
  const scene = { state: "awake" as State, why: "", wakes: 0, used: 0 };
  const door = createServiceDoor({
    balancer,
    log: silentLog,
    name: "iris",
    tokenDigest: () => null,
    metricsPath: "/metrics",
    healthPath: "/health",
    state: () => scene,
    wake: async () => void (scene.wakes += 1),
    used: () => void (scene.used += 1),
    holdMs: () => 5_000,
    maxBodyBytes: () => 1_000_000,
    ...options,
    clock,
  });
  const port = await door.listen(0, "127.0.0.1");
  onTestFinished(() => door.close());
  const become = (state: State, why = "") => {
    Object.assign(scene, { state, why });
    door.changed();
  };
  return { balancer, door, port, scene, become };
}

export function replicaOn(port: number, id: string): Replica {
  return { id, upstream: { host: "127.0.0.1", port, headers: {} } };
}
