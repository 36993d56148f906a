// Waits for the certificate of a domain after a deploy, and says why it does not come. The release is live either way.
import type { Progress } from "../../model/plan.ts";
import type { CertificateReport } from "../../model/certificate.ts";
import type { CertificateStatus } from "../../model/status.ts";
import type { Context } from "../context.ts";
import { isoOf } from "../save-words.ts";

const askEveryMs = 200;
/** A CA that asks at all has asked by then. */
const longestMs = 120_000;

/** Told as the last step of the deploy; nothing where the service has none from a CA. */
export async function awaitCertificate(context: Context, name: string, on: Progress): Promise<void> {
  const { targets, world } = context;
  const { clock, signal } = world;
  const step = { workload: name, step: "certificate" };
  const began = clock.monotonic();
  let found: CertificateReport | null | undefined;
  for (;;) {
    const report = await targets.of(name).status(name);
    found = report.service?.certificate;
    if (!found) return;
    if (found.until !== null || found.problem !== null) break;
    if (clock.monotonic() - began > longestMs) break;
    on({ ...step, state: "running", detail: `a CA is asked for ${found.domain}` });
    await clock.sleep(askEveryMs, signal).catch(() => undefined);
    if (signal.aborted) break; // the release is live, and its certificate comes without this command
  }
  on({
    ...step,
    state: found.until === null ? "failed" : "done",
    detail: describeCertificate({ ...found, until: isoOf(found.until) }),
  });
}

/** One sentence without a full stop. */
export function describeCertificate({ domain, until, problem }: CertificateStatus): string {
  const last = until === null ? "" : `, valid until ${until.slice(0, 10)}`;
  if (problem === null) return until === null ? `none for ${domain} yet` : `${domain}${last}`;
  const what = until === null ? `none for ${domain}` : `${domain}${last}, not renewed`;
  return `${what}: ${problem} (its DNS must lead to its machine, and port 80 to the agent there; it is tried again)`;
}

/** What `status` and `why` say of it; nothing where it has none from a CA. */
export function buildCertificateStatus(
  found: CertificateReport | null | undefined,
): { certificate: CertificateStatus } | undefined {
  return found ? { certificate: { ...found, until: isoOf(found.until) } } : undefined;
}
