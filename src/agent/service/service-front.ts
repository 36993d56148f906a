// The port of a service, which stays open while it sleeps: the door, and the balancer behind it.
import type { Clock } from "../../base/clock.ts";
import { SestaError, systemCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { createBalancer } from "../../front/balancer/balancer.ts";
import { createServiceDoor, type ServiceDoor } from "../../front/balancer/service-door.ts";
import type { Launch, ServiceRule } from "../../model/launch.ts";
import type { Certificate } from "../../model/release.ts";
import type { State } from "../../model/words.ts";
import type { Group } from "./group.ts";

export type FrontOwner = {
  launch(): Launch;
  /** What its port speaks TLS with. */
  certificate(): Promise<Certificate | null>;
  state(): { state: State; why: string };
  wake(): Promise<void>;
  used(): void;
};

export class ServiceFront {
  readonly #context: { clock: Clock; log: Log };
  readonly #name: string;
  readonly #owner: FrontOwner;
  readonly #balancer;
  #open: { door: ServiceDoor; address: string } | null = null;

  constructor(context: { clock: Clock; log: Log }, name: string, owner: FrontOwner) {
    this.#context = context;
    this.#name = name;
    this.#owner = owner;
    this.#balancer = createBalancer({ clock: context.clock });
  }

  /** Where the launch says; does nothing where it is open there already. @throws SestaError PORT_TAKEN */
  async open(): Promise<void> {
    const { listen, tls } = this.#rule();
    const address = JSON.stringify([
      listen,
      tls,
      this.#owner.launch().door.healthPath,
      this.#rule().metricsPath,
    ]);
    if (this.#open?.address === address) return;
    await this.close();
    const door = await this.#createDoor();
    try {
      await door.listen(listen.port, listen.host);
    } catch (error) {
      await door.close();
      throw explainListen(error, this.#name, listen);
    }
    this.#open = { door, address };
  }

  /** From now on requests go to those of its replicas that are up. */
  route(group: Group | null): void {
    this.#balancer.route(group?.listUp() ?? []);
    for (const { id, state } of group?.replicas ?? [])
      if (id !== null) this.#balancer.mark(id, state === "up");
    this.changed();
  }

  /** Resolves when nothing is in flight to its replicas any more, or was cut after the time for that. */
  async drain(group: Group): Promise<void> {
    const ms = group.release.launch.service?.drainMs ?? 0;
    await Promise.all(group.listUp().map(({ id }) => this.#balancer.drain(id, ms)));
  }

  inFlight(): number {
    return this.#balancer.inFlight();
  }

  /** The state has changed: requests that wait look again. */
  changed(): void {
    this.#open?.door.changed();
  }

  async close(): Promise<void> {
    const open = this.#open;
    this.#open = null;
    await open?.door.close();
  }

  #rule(): ServiceRule {
    const { service, name } = this.#owner.launch();
    if (!service) throw new Error(`${name} is no service`);
    return service;
  }

  async #createDoor(): Promise<ServiceDoor> {
    const { tls, metricsPath } = this.#rule();
    const certificate = tls === null ? null : await this.#owner.certificate();
    return createServiceDoor({
      ...this.#context,
      balancer: this.#balancer,
      name: this.#name,
      ...(certificate && { tls: certificate }),
      tokenDigest: () => {
        const { tokenDigest } = this.#rule();
        return tokenDigest === null ? null : Buffer.from(tokenDigest, "hex");
      },
      metricsPath,
      healthPath: this.#owner.launch().door.healthPath,
      state: this.#owner.state,
      wake: this.#owner.wake,
      holdMs: () => this.#rule().holdMs,
      maxBodyBytes: () => this.#rule().maxBodyBytes,
      responseMs: () => this.#rule().responseMs,
      repeatsAll: () => this.#rule().repeatsAll,
      used: this.#owner.used,
    });
  }
}

function explainListen(error: unknown, name: string, { host, port }: ServiceRule["listen"]): unknown {
  const code = systemCode(error);
  if (code === "EADDRINUSE")
    return new SestaError("PORT_TAKEN", `${name} cannot listen on ${host}:${port}: something else does`, {
      hint: "End that, or choose another `port` in sesta.yaml.",
    });
  if (code === "EACCES" || code === "EADDRNOTAVAIL")
    return new SestaError("PORT_TAKEN", `${name} cannot listen on ${host}:${port} (${code})`, {
      hint: "Choose another `host` or `port` in sesta.yaml.",
    });
  return error;
}
