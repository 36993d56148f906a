// The parts of a page that say how a workload is used and saved, and that it is about to sleep.
import { html } from "hono/html";
import type { FactsText } from "./describe-facts.ts";
import type { NoticeText } from "./describe-notice.ts";
import { hiddenWhen } from "./layout.ts";
import type { Markup } from "./layout.ts";

export function buildFacts(text: FactsText): Markup {
  return html`<p class="fact" data-part="rule" ${hiddenWhen(text.rule === "")}>${text.rule}</p>
    <p class="fact" data-part="use" ${hiddenWhen(text.use === "")}>${text.use}</p>
    <p class="fact" data-part="saved" ${hiddenWhen(text.saved === "")}>${text.saved}</p>
    <p class="fact unsaved" data-part="unsaved" ${hiddenWhen(text.unsaved === "")}>${text.unsaved}</p>
    <details class="aside" data-part="aside-figure" ${hiddenWhen(text.asideSummary === "")}>
      <summary data-part="aside-summary">${text.asideSummary}</summary>
      <ul data-part="aside">
        ${text.aside.map((line) => html`<li>${line}</li>`)}
      </ul>
    </details>`;
}

/** Its text counts down and is not read out each second; who puts it on a page has one status line say it once. */
export function buildNotice(workload: string, next: string, text: NoticeText): Markup {
  return html`<form
    method="post"
    action="/_sesta/awake"
    class="notice"
    data-part="notice"
    ${hiddenWhen(text.text === "")}
  >
    <input type="hidden" name="workload" value="${workload}" /><input
      type="hidden"
      name="next"
      value="${next}"
    />
    <p data-part="notice-text">${text.text}</p>
    <button type="submit" data-part="keep" ${hiddenWhen(text.keep === "")}>${text.keep}</button>
  </form>`;
}
