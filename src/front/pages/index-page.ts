// The project's page: every workload that this browser may see, live, with buttons to wake and to put to sleep.
import { html } from "hono/html";
import type { WorkloadView } from "../../model/view.ts";
import { cleanText } from "./clean-text.ts";
import { describeRow } from "./describe-row.ts";
import type { RowText } from "./describe-row.ts";
import { describeSummary } from "./describe-summary.ts";
import { buildFacts, buildNotice } from "./facts.ts";
import { buildFrame, buildProgress, hiddenWhen } from "./layout.ts";
import type { Markup } from "./layout.ts";

export type IndexPage = {
  project: string;
  workloads: readonly WorkloadView[];
  /** Came through `sesta open`: sees all that the project has. */
  owner: boolean;
  /** Wall time of the server. */
  now?: number;
};

export function buildIndexPage(page: IndexPage): string {
  const empty = page.workloads.length === 0;
  return buildFrame({
    kind: "index",
    title: "Workloads",
    project: page.project,
    refreshSeconds: 10,
    main: html`<main class="wide">
        <h1>${cleanText(page.project)}</h1>
        <p class="quiet summary" data-part="summary" ${hiddenWhen(empty)}>
          ${describeSummary(page.workloads)}
        </p>
        <p class="sr" role="status" data-part="announcement"></p>
        <ul class="rows" data-part="rows" ${hiddenWhen(empty)}>
          ${page.workloads.map((view) => buildRow(view.name, describeRow(view, page.now)))}
        </ul>
        <section class="empty" data-part="empty" ${hiddenWhen(!empty)}>
          ${page.owner ? ownerEmpty : visitorEmpty}
        </section>
        <noscript
          ><p class="quiet">
            Without JavaScript this page reloads every 10 seconds. To put a workload to sleep, run
            <code>sesta sleep NAME</code>.
          </p></noscript
        >
      </main>
      <template id="row">${buildRow("", blank)}</template>
      <dialog id="confirm" aria-labelledby="confirm-title">
        <form method="dialog">
          <h2 id="confirm-title" data-part="question"></h2>
          <p>What runs in it stops. Saved files stay, and it wakes again when it is needed.</p>
          <p class="actions">
            <button value="sleep" class="primary">Put to sleep</button
            ><button value="cancel" autofocus>Keep awake</button>
          </p>
        </form>
      </dialog>`,
  });
}

function buildRow(workload: string, row: RowText): Markup {
  return html`<li class="row" data-workload="${workload}" data-state="${row.state}">
    ${buildNotice(workload, "/", row.notice)}
    <div class="what">
      <h2>
        <span data-part="name">${row.name}</span>
        <span class="kind" data-part="kind">${row.kind}</span>
      </h2>
      <p class="state">
        <span class="dot" aria-hidden="true"></span><strong data-part="word">${row.word}</strong>
        <span class="span" data-part="span" ${hiddenWhen(row.span === "")}>${row.span}</span>
      </p>
      <p class="why" data-part="why" ${hiddenWhen(row.why === "")}>${row.why}</p>
      <p class="phase" data-part="phase" ${hiddenWhen(row.phase === "")}>${row.phase}</p>
      ${buildProgress(`Progress of ${row.name}`, row.progress)}
      ${buildFacts(row.facts)}
      <p class="rule" data-part="command-line" ${hiddenWhen(row.command === "")}>
        <code data-part="command">${row.command}</code>
      </p>
      <details data-part="log-figure" ${hiddenWhen(row.log === "")}>
        <summary>Last lines of its log</summary>
        <pre tabindex="0" role="region" aria-label="Log of ${row.name}" data-part="log">${row.log}</pre>
      </details>
      <p class="problem" role="alert" data-part="problem" hidden></p>
    </div>
    <div class="actions">
      <a
        class="button primary"
        data-part="link"
        aria-label="Open ${row.name}"
        ${row.link === null ? "" : html` href="${row.link}"`}${hiddenWhen(row.link === null)}
        >Open</a
      >
      <form method="post" action="/_sesta/wake" data-part="wake" ${hiddenWhen(row.wake === "")}>
        <input type="hidden" name="workload" value="${workload}" /><input
          type="hidden"
          name="next"
          value="/"
        /><button type="submit" data-part="wake-button" aria-label="${row.wake} ${row.name}">
          ${row.wake}
        </button>
      </form>
      <button
        type="button"
        data-part="sleep"
        aria-label="Sleep ${row.name}"
        data-needs-script${hiddenWhen(row.sleep === "")}
      >
        Sleep
      </button>
    </div>
  </li>`;
}

const blank: RowText = {
  name: "",
  kind: "",
  state: "absent",
  word: "",
  span: "",
  why: "",
  phase: "",
  progress: "none",
  facts: { rule: "", use: "", saved: "", unsaved: "", asideSummary: "", aside: [] },
  notice: { text: "", said: "", keep: "" },
  log: "",
  command: "",
  link: null,
  wake: "",
  sleep: "",
};

const ownerEmpty = html`<h2>Nothing here yet</h2>
  <p>
    Add a workload to <code>sesta.yaml</code>, then run <code>sesta up</code>. It shows up here by itself.
  </p>
  <pre tabindex="0" role="region" aria-label="Example">
workloads:
  notebook:
    type: lab</pre>`;

const visitorEmpty = html`<h2>Nothing to see from here yet</h2>
  <p>
    This browser has not logged in to a workload of this project. Open a workload's own address and enter its
    password, or run <code>sesta open</code> if the project is yours.
  </p>`;
