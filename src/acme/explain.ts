// Says what went wrong between a CA and a domain.
import { findDiskError } from "../base/disk-error.ts";
import { messageOf, systemCode } from "../base/errors.ts";
import type { CertificateRequest } from "../model/certificate.ts";

/** One sentence without a full stop. */
export function explainAcme(
  error: unknown,
  { directory, domain }: Pick<CertificateRequest, "directory" | "domain">,
): string {
  const host = new URL(directory).host;
  // `fetch` has the reason as its error's cause.
  const reason = error instanceof TypeError && error.cause !== undefined ? error.cause : error;
  const code = systemCode(reason);
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `${host} is not known to the DNS`;
  if (code === "ECONNREFUSED" || code === "ETIMEDOUT" || code === "ECONNRESET" || code === "EHOSTUNREACH")
    return `${host} does not answer (${code})`;
  const disk = findDiskError(reason);
  if (disk) return disk.message;
  if (error instanceof DOMException && error.name === "TimeoutError")
    return `${host} does not answer in time`;
  const said = messageOf(reason).replaceAll(/\s+/g, " ").trim();
  return said === ""
    ? `${host} gave no certificate for ${domain}`
    : `${host} says: ${said.replace(/\.$/, "")}`;
}
