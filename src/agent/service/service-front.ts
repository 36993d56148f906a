// The port of a service, which stays open while it sleeps: the door, and the balancer behind it.
import type { Clock } from "../../base/clock.ts";
import { SestaError, systemCode } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { createBalancer } from "../../front/balancer/balancer.ts";
import { createServiceDoor, type ServiceDoor } from "../../front/balancer/service-door.ts";
import type { Launch, ServiceRule } from "../../model/launch.ts";
import type { CertificateReport } from "../../model/certificate.ts";
import type { Certificate } from "../../model/release.ts";
import type { State } from "../../model/words.ts";
import type { Domains } from "../domain/domains.ts";
import { runAtFullSpeed } from "./full-speed.ts";
import type { Group } from "./group.ts";

export type FrontOwner = {
  state(): { state: State; why: string };
  wake(): Promise<void>;
  used(): void;
  /** Something of its certificate has. */
  changed(): void;
};

/** What a port is opened with. */
export type Serving = { launch: Launch; certificate: Certificate | null };

type Opened = Serving & { door: ServiceDoor; leave?: () => void };
export type FrontContext = { clock: Clock; log: Log; domains: Domains };

export class ServiceFront {
  readonly #context: FrontContext;
  readonly #name: string;
  readonly #owner: FrontOwner;
  readonly #balancer;
  /** The first is the one that people know; another one is open for a release that starts. */
  #opened: readonly Opened[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(context: FrontContext, name: string, owner: FrontOwner) {
    this.#context = context;
    this.#name = name;
    this.#owner = owner;
    runAtFullSpeed();
    this.#balancer = createBalancer({ clock: context.clock });
  }

  /**
   * Opens the port of a release that starts, where it is another one, beside the one that is open.
   * @throws SestaError PORT_TAKEN
   */
  prepare(serving: Serving): Promise<void> {
    return this.#inTurn(async () => {
      const isThere = this.#opened.some((one) => rule(one).listen.port === rule(serving).listen.port);
      if (!isThere) this.#opened = [...this.#opened, await this.#open(serving)];
    });
  }

  /** From now on this is what people reach, and nothing else. @throws SestaError PORT_TAKEN; then all is as before */
  serve(serving: Serving): Promise<void> {
    return this.#inTurn(() => this.#serve(serving));
  }

  async #serve(serving: Serving): Promise<void> {
    const same = this.#opened.find((one) => addressOf(one) === addressOf(serving));
    const others = this.#opened.filter((one) => one !== same);
    if (same) {
      const { tls, domain } = rule(serving);
      if (serving.certificate && tls !== rule(same).tls) same.door.renew(serving.certificate);
      Object.assign(same, serving);
      if (domain) this.#context.domains.ask(domain);
      this.#opened = [same];
      return void (await closeAll(others));
    }
    // The same port of another address, or now with TLS, cannot be open twice.
    const inTheWay = others.filter((one) => rule(one).listen.port === rule(serving).listen.port);
    await closeAll(inTheWay);
    try {
      this.#opened = [await this.#open(serving)];
    } catch (error) {
      const again = await Promise.all(inTheWay.map((one) => this.#open(one)));
      this.#opened = [...again, ...others.filter((one) => !inTheWay.includes(one))];
      throw error;
    }
    await closeAll(others.filter((one) => !inTheWay.includes(one)));
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

  /** Null where it has none from a CA. */
  certificate(): CertificateReport | null {
    const [first] = this.#opened;
    const domain = first && rule(first).domain;
    return domain ? this.#context.domains.report(domain) : null;
  }

  inFlight(): number {
    return this.#balancer.inFlight();
  }

  /** The state has changed: requests that wait look again. */
  changed(): void {
    for (const { door } of this.#opened) door.changed();
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      const opened = this.#opened;
      this.#opened = [];
      await closeAll(opened);
    });
  }

  /** One after the other: a port that is being opened is not there yet, and not free any more. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const done = this.#last.then(change);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #open(serving: Serving): Promise<Opened> {
    const opened: Omit<Opened, "door"> = { ...serving };
    const door = this.#createDoor(opened);
    const { listen, domain } = rule(serving);
    try {
      if (!domain) await door.listen(listen.port, listen.host);
      else {
        opened.leave = await this.#context.domains.answer({
          domain,
          listen,
          get certificate() {
            return opened.certificate;
          },
          accept: door.accept,
          changed: this.#owner.changed,
        });
      }
    } catch (error) {
      await door.close();
      throw explainListen(error, this.#name, listen);
    }
    return Object.assign(opened, { door });
  }

  /** @param opened read anew for each request */
  #createDoor(opened: Serving): ServiceDoor {
    const { certificate } = opened;
    const { domain } = rule(opened);
    const { clock, log } = this.#context;
    return createServiceDoor({
      clock,
      log,
      balancer: this.#balancer,
      name: this.#name,
      ...(domain ? { domain: domain.name } : certificate && { tls: certificate }),
      tokenDigest: () => {
        const { tokenDigest } = rule(opened);
        return tokenDigest === null ? null : Buffer.from(tokenDigest, "hex");
      },
      get metricsPath() {
        return rule(opened).metricsPath;
      },
      get healthPath() {
        return opened.launch.door.healthPath;
      },
      state: this.#owner.state,
      wake: this.#owner.wake,
      holdMs: () => rule(opened).holdMs,
      maxBodyBytes: () => rule(opened).maxBodyBytes,
      responseMs: () => rule(opened).responseMs,
      repeatsAll: () => rule(opened).repeatsAll,
      used: this.#owner.used,
    });
  }
}

function rule({ launch }: Pick<Serving, "launch">): ServiceRule {
  if (!launch.service) throw new Error(`${launch.name} is no service`);
  return launch.service;
}

function addressOf(serving: Serving): string {
  const { listen, tls, domain } = rule(serving);
  return JSON.stringify([listen.host, listen.port, tls !== null, domain?.name, domain?.acme?.port]);
}

async function closeAll(opened: readonly Opened[]): Promise<void> {
  for (const { leave } of opened) leave?.();
  await Promise.all(opened.map(({ door }) => door.close()));
}

function explainListen(error: unknown, name: string, { host, port }: ServiceRule["listen"]): unknown {
  const code = systemCode(error);
  if (code === "EADDRINUSE")
    return new SestaError("PORT_TAKEN", `${name} cannot listen on ${host}:${port}: something else does`, {
      hint: "End that, or choose another `port` in sesta.yaml.",
    });
  if (code === "EACCES" || code === "EADDRNOTAVAIL")
    return new SestaError("PORT_TAKEN", `${name} cannot listen on ${host}:${port} (${code})`, {
      hint:
        code === "EACCES"
          ? "Ports below 1024 are root's: choose another `port` in sesta.yaml, or let everybody have them (sysctl net.ipv4.ip_unprivileged_port_start=80)."
          : "Choose another `host` or `port` in sesta.yaml.",
    });
  return error;
}
