// The certificate of one domain: gets it from its CA, keeps it, and renews it for as long as the domain is answered.
import { createSecureContext, type SecureContext } from "node:tls";
import type { Clock } from "../../base/clock.ts";
import { makePrivateFolder } from "../../base/atomic-file.ts";
import { findDiskError } from "../../base/disk-error.ts";
import { messageOf } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Machine } from "../../machine/machine.ts";
import type { CertificateAnswer, CertificateReport, CertificateRequest } from "../../model/certificate.ts";
import type { AcmeRule } from "../../model/launch.ts";
import { makeKey, readValidity, type CertificateFiles, type KeptCertificate } from "./certificate-file.ts";
import { mayTryAgain, untilNextTry } from "./renewal.ts";

export type CertificateContext = {
  clock: Clock;
  log: Log;
  machine: Machine;
  files: CertificateFiles;
  /** Why a CA's question would not be heard; null: it would. */
  listens(): Promise<string | null>;
  /** One domain after the other: they share an account. */
  inTurn<T>(work: () => Promise<T>): Promise<T>;
  changed(): void;
};

/** A machine may sleep meanwhile, and its clock may be set. */
const longestPauseMs = 3_600_000;
/** From the order to the chain; a CA looks at its own pace. */
const obtainMs = 180_000;

export class OwnCertificate {
  readonly #context: CertificateContext;
  readonly #domain: string;
  #rule: AcmeRule;
  readonly #left = new AbortController();
  #kept: KeptCertificate | undefined;
  #secure: SecureContext | undefined;
  #until: number | null = null;
  #wakeUp: () => void = () => undefined;
  #isTrying = false;

  constructor(context: CertificateContext, domain: string, rule: AcmeRule) {
    this.#context = context;
    this.#domain = domain;
    this.#rule = rule;
    this.#run().catch((error: unknown) => {
      context.log.error("certificate", { domain, error: messageOf(error) });
    });
  }

  /** Undefined as long as there is none. */
  secure(): SecureContext | undefined {
    return this.#secure;
  }

  report(): CertificateReport {
    return { domain: this.#domain, until: this.#until, problem: this.#kept?.problem ?? null };
  }

  /** Somebody deploys: what failed may be mended. */
  ask(rule: AcmeRule): void {
    this.#rule = rule;
    const kept = this.#kept;
    if (!kept || this.#isTrying || kept.failures === 0) return void this.#wakeUp();
    if (!mayTryAgain(kept, this.#context.clock.now())) return;
    this.#kept = { ...kept, failures: 0, triedAt: 0, problem: null };
    this.#wakeUp();
  }

  leave(): void {
    this.#left.abort();
    this.#wakeUp();
  }

  async #run(): Promise<void> {
    const { clock, files } = this.#context;
    const { signal } = this.#left;
    this.#take(await files.read(this.#domain));
    while (!signal.aborted) {
      const waitMs = untilNextTry(this.#kept, this.#validity(), clock.now());
      if (waitMs === 0) await this.#try();
      else await this.#pause(Math.min(waitMs, longestPauseMs));
    }
  }

  /** Of a certificate of the CA that is asked; another CA's is replaced. */
  #validity() {
    const { chain, directory } = this.#kept ?? {};
    return chain && directory === this.#rule.directory ? readValidity(chain) : undefined;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = resolve;
      this.#context.clock.sleep(ms, this.#left.signal).then(resolve, resolve);
    });
  }

  // Each try is written before it is made, so that an agent that dies of it does not ask again and again.
  async #try(): Promise<void> {
    const { clock, files, log, listens, inTurn } = this.#context;
    const { directory } = this.#rule;
    const before = this.#kept;
    const key = before?.nextKey ?? makeKey();
    const trying: KeptCertificate = {
      directory: before?.directory ?? directory,
      key: before?.key ?? key,
      chain: before?.chain ?? null,
      nextKey: key,
      failures: (before?.failures ?? 0) + 1,
      triedAt: clock.now(),
      problem: before?.problem ?? null,
    };
    this.#isTrying = true;
    let answer: CertificateAnswer;
    try {
      this.#kept = trying;
      await files.write(this.#domain, trying);
      const deaf = await listens();
      answer = deaf === null ? await inTurn(() => this.#obtain(key)) : { problem: deaf };
    } catch (error) {
      answer = { problem: findDiskError(error)?.message ?? messageOf(error) };
    } finally {
      this.#isTrying = false;
    }
    if (this.#left.signal.aborted) return;
    const next: KeptCertificate =
      "chain" in answer
        ? { ...trying, directory, key, chain: answer.chain, nextKey: null, failures: 0, problem: null }
        : { ...trying, problem: answer.problem };
    log.info("certificate", { domain: this.#domain, problem: next.problem });
    this.#take(next);
    await files.write(this.#domain, next).catch((error: unknown) => {
      log.error("certificate not kept", { domain: this.#domain, error: messageOf(error) });
    });
  }

  async #obtain(key: string): Promise<CertificateAnswer> {
    const { machine, files } = this.#context;
    const { directory, email, program } = this.#rule;
    const [node = "", ...operands] = program;
    this.#left.signal.throwIfAborted();
    await makePrivateFolder(files.challenges);
    const accountKey = await files.accountKey(directory);
    const request: CertificateRequest = {
      directory,
      email,
      domain: this.#domain,
      accountKey,
      key,
      folder: files.challenges,
    };
    const { exitCode, stdout, stderr } = await machine.run([node, ...operands], {
      input: JSON.stringify(request),
      timeoutMs: obtainMs,
      signal: this.#left.signal,
    });
    if (exitCode !== 0) return { problem: stderr.trim().split("\n").at(-1) ?? `it ended with ${exitCode}` };
    const answer = JSON.parse(stdout) as CertificateAnswer;
    if ("chain" in answer) createSecureContext({ key, cert: answer.chain }); // throws for what is no certificate of this key
    return answer;
  }

  #take(kept: KeptCertificate | undefined): void {
    this.#kept = kept;
    this.#until = (kept?.chain ? readValidity(kept.chain)?.until : undefined) ?? null;
    this.#secure = kept?.chain ? createSecureContext({ key: kept.key, cert: kept.chain }) : undefined;
    this.#context.changed();
  }
}
