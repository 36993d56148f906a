// What the machines of services lack: each finding with the one thing that mends it. Changes nothing.
import { lookup } from "node:dns/promises";
import { runScript } from "../../machine/host.ts";
import { listServices, type ServiceSection } from "../../model/project.ts";
import type { Context } from "../context.ts";
import type { Finding } from "../finding.ts";
import { openHosts } from "../machines.ts";
import { isoOf } from "../save-words.ts";
import { describeCertificate } from "./await-certificate.ts";
import { warnOfLimits } from "./limits.ts";

/** A host that does not answer is named elsewhere. */
export async function examineServices(context: Context): Promise<Finding[]> {
  const found = await Promise.all(
    listServices(context.project).flatMap((section) => [
      examineDomain(context, section).catch(() => []),
      examineService(context, section).catch(() => []),
    ]),
  );
  return found.flat();
}

/** Looked up from here; whether it leads to the machine only its CA can say, which comes from outside. */
async function examineDomain(
  { targets, state }: Context,
  { name, domain, acme }: ServiceSection,
): Promise<Finding[]> {
  if (domain === undefined || !acme) return [];
  const isKnown = await lookup(domain).then(
    () => true,
    () => false,
  );
  const mend = "Add an A or AAAA record that leads to the machine.";
  if (!isKnown) return [{ level: "warning", what: `${name}: ${domain} is not known to the DNS`, mend }];
  const report = state.findWorkload(name)?.placedAt ? await targets.of(name).status(name) : undefined;
  const certificate = report?.service?.certificate;
  if (!certificate || certificate.problem === null) return [];
  const what = `${name}: ${describeCertificate({ ...certificate, until: isoOf(certificate.until) })}`;
  return [{ level: "warning", what, mend: `\`sesta deploy ${name} --again\` tries it at once.` }];
}

async function examineService(context: Context, section: ServiceSection): Promise<Finding[]> {
  const { source, name, target } = section;
  const limits = (await warnOfLimits(context, section)).map((what): Finding => ({
    level: "warning",
    what: `${name}: ${what}`,
  }));
  if (source.kind !== "build" && source.kind !== "image") return limits;
  const [host] = await openHosts(context, target, 1);
  if (!host || (await runScript(host, "image.sh", ["engine"])).exitCode === 0) return limits;
  const where = host.machine.name === "local" ? "this machine" : host.machine.name;
  const what = `${name} runs in a container, and neither docker nor podman answers on ${where}`;
  return [...limits, { level: "error", what, mend: "Install one of them there." }];
}
