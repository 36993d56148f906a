// The program that gets one certificate: reads what is wanted as JSON from its input, and prints what came of it.
import { text } from "node:stream/consumers";
import process from "node:process";
import { explainAcme } from "./explain.ts";
import type { CertificateAnswer, CertificateRequest } from "../model/certificate.ts";
import { obtainCertificate } from "./obtain.ts";

const wanted = JSON.parse(await text(process.stdin)) as CertificateRequest;
const answer: CertificateAnswer = await obtainCertificate(wanted).then(
  (chain) => ({ chain }),
  (error: unknown) => ({ problem: explainAcme(error, wanted) }),
);
process.stdout.write(`${JSON.stringify(answer)}\n`);
