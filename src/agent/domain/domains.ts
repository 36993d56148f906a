// The domains that this machine answers: their ports, their certificates, and what is known of both.
import type { Duplex } from "node:stream";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Machine } from "../../machine/machine.ts";
import type { CertificateReport } from "../../model/certificate.ts";
import type { AcmeRule, Domain } from "../../model/launch.ts";
import type { Certificate } from "../../model/release.ts";
import { createCertificateFiles } from "./certificate-file.ts";
import { OwnCertificate } from "./certificate.ts";
import { createChallengePorts } from "./challenge-ports.ts";
import { createTlsPorts } from "./tls-ports.ts";

export type Answered = {
  domain: Domain;
  listen: { host: string; port: number };
  /** Where none is had from a CA. Read for each connection: it may be replaced by another one. */
  readonly certificate: Certificate | null;
  accept(socket: Duplex): void;
  /** Something of a certificate from a CA has. */
  changed(): void;
};

type Own = {
  kept: OwnCertificate;
  /** A domain that moves to another port is answered at both for a while. */
  users: number;
  asked: ReturnType<ReturnType<typeof createChallengePorts>["join"]>;
  changed: () => void;
};

export type Domains = ReturnType<typeof createDomains>;

export function createDomains(context: { clock: Clock; log: Log; machine: Machine; home: string }) {
  const files = createCertificateFiles(context.home);
  const ports = createTlsPorts();
  const challenges = createChallengePorts(files.challenges);
  const own = new Map<string, Own>();
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };

  /** The challenge port stays open for as long as the domain is answered, as it leads browsers on. */
  function begin(name: string, rule: AcmeRule, { listen, changed }: Answered): () => void {
    const asked = challenges.join(listen.host, rule.port, name, listen.port);
    void asked.problem();
    const held = own.get(name);
    const one = held ?? { users: 0, asked, changed, kept: create(name, rule) };
    own.set(name, one);
    one.users += 1;
    Object.assign(one, { asked, changed });
    if (held) one.kept.ask(rule);
    return () => {
      asked.leave();
      one.users -= 1;
      if (one.users > 0) return;
      own.delete(name);
      one.kept.leave();
    };
  }

  function create(name: string, rule: AcmeRule): OwnCertificate {
    const listens = async () => (await own.get(name)?.asked.problem()) ?? null;
    return new OwnCertificate(
      { ...context, files, listens, inTurn, changed: () => own.get(name)?.changed() },
      name,
      rule,
    );
  }

  return {
    /** Resolves with what ends it. @throws SestaError PORT_TAKEN; what `listen` says */
    async answer(answered: Answered): Promise<() => void> {
      const { domain, listen, accept } = answered;
      const { name, acme } = domain;
      const given = readGiven(answered);
      const context = () => given() ?? own.get(name)?.kept.secure();
      const leave = await ports.join(listen.host, listen.port, { domain: name, context, accept });
      const end = acme && !given() ? begin(name, acme, answered) : undefined;
      return () => {
        leave();
        end?.();
      };
    },
    /** Somebody deploys: what kept a certificate from coming may be mended. */
    ask({ name, acme }: Domain): void {
      if (acme) own.get(name)?.kept.ask(acme);
    },
    /** Null where none is had from a CA. */
    report: ({ name }: Domain): CertificateReport | null => own.get(name)?.kept.report() ?? null,
  };
}

/** Made anew only for another certificate. */
function readGiven(answered: Pick<Answered, "certificate">): () => SecureContext | undefined {
  let made: { of: Certificate; context: SecureContext } | undefined;
  return () => {
    const { certificate } = answered;
    if (!certificate) return undefined;
    if (made?.of !== certificate) made = { of: certificate, context: createSecureContext(certificate) };
    return made.context;
  };
}
