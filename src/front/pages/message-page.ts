// A page that says one thing: an error, or that something is done.
import { html } from "hono/html";
import { cleanText } from "./clean-text.ts";
import { buildFrame, hiddenWhen } from "./layout.ts";
import { safeNext } from "./safe-next.ts";

export type MessagePage = {
  project: string;
  title: string;
  message: string;
  /** One thing to try. */
  hint?: string;
  /** A link to a path of this origin. */
  link?: { label: string; path: string };
};

export function buildMessagePage(page: MessagePage): string {
  const title = cleanText(page.title);
  const hint = cleanText(page.hint ?? "");
  return buildFrame({
    kind: "message",
    title,
    project: page.project,
    main: html`<main class="narrow">
      <h1>${title}</h1>
      <p class="lead">${cleanText(page.message)}</p>
      <p class="quiet" ${hiddenWhen(hint === "")}>${hint}</p>
      ${page.link === undefined ? "" : html`<p class="actions"><a class="button" href="${safeNext(page.link.path)}">${cleanText(page.link.label)}</a></p>`}
    </main>`,
  });
}
