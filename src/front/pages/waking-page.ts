// The page in place of a workload that is not awake: what is happening, and a way to wake it.
import { html, raw } from "hono/html";
import type { WorkloadView } from "../../model/view.ts";
import { describeWaking } from "./describe-waking.ts";
import { buildFacts, buildNotice } from "./facts.ts";
import { buildFrame, buildProgress, hiddenWhen } from "./layout.ts";
import { findOpenLink } from "./open-link.ts";
import { safeNext } from "./safe-next.ts";

export type WakingPage = {
  project: string;
  /** Path to move on to when it is awake; its home unless said. */
  next?: string;
  /** Served by the gateway, not on the workload's own origin: it then moves to the full address. */
  atGateway?: boolean;
  /** Whoever came here has asked for it: the page moves on as soon as it is awake, also out of a sleep that was begun. */
  follows?: boolean;
  /** Wall time of the server. */
  now?: number;
};

/**
 * Asks for news by itself; without a script it reloads while it was asked for, and only then, because a reload wakes.
 * Its form posts `workload` and `next` to `/_sesta/wake`.
 */
export function buildWakingPage(view: WorkloadView, page: WakingPage): string {
  const text = describeWaking(view, page.now);
  const next = safeNext(page.next ?? view.home);
  const follows = page.follows === true || view.state === "waking";
  const link = page.atGateway === true ? findOpenLink(view) : next;
  return buildFrame({
    kind: "waking",
    title: text.headline,
    project: page.project,
    workload: view.name,
    data: {
      workload: view.name,
      state: view.state,
      ...(follows && { follows: "" }),
      ...(page.atGateway === true ? { "at-gateway": "" } : { next: link ?? "/" }),
    },
    ...(view.state === "waking" || (follows && view.state === "sleeping") ? { refreshSeconds: 3 } : {}),
    main: html`<main class="narrow waking">
      <p class="sr" role="status" data-part="announcement"></p>
      ${buildNotice(view.name, next, text.notice)} ${sky}
      <div aria-live="polite">
        <h1 data-part="headline">${text.headline}</h1>
        <p class="lead" data-part="lead" ${hiddenWhen(text.lead === "")}>${text.lead}</p>
        <ol class="steps" data-part="steps" hidden></ol>
        <p class="phase" data-part="phase" ${hiddenWhen(text.phase === "")}>${text.phase}</p>
      </div>
      ${buildProgress("Progress", text.progress)}
      <p class="timing" data-part="timing" ${hiddenWhen(text.timing === "")}>${text.timing}</p>
      <div class="facts">
        ${buildFacts(text.facts)}
      </div>
      <figure class="log" data-part="log-figure" ${hiddenWhen(text.log === "")}>
        <figcaption id="log-caption">Last lines of its log</figcaption>
        <pre tabindex="0" role="region" aria-labelledby="log-caption" data-part="log">${text.log}</pre>
      </figure>
      <p class="quiet" data-part="command-line" ${hiddenWhen(text.command === "")}>
        Its owner sets it up with <code data-part="command">${text.command}</code>.
      </p>
      <p class="problem" role="alert" data-part="problem" hidden></p>
      <form
        method="post"
        action="/_sesta/wake"
        class="actions"
        data-part="wake"
        ${hiddenWhen(text.button === "")}
      >
        <input type="hidden" name="workload" value="${view.name}" />
        <input type="hidden" name="next" value="${next}" />
        <button type="submit" class="primary" data-part="button">${text.button}</button>
      </form>
      <p class="actions" data-part="open" ${hiddenWhen(view.state !== "awake" || link === null)}>
        <a class="button primary" data-part="link" href="${link ?? "/"}">Open</a>
      </p>
    </main>`,
  });
}

// A sun behind the horizon, a moon above it while asleep. The script moves the sun; the style sheet does the rest.
const sky = raw(
  `<svg class="sky" viewBox="0 -30 200 114" aria-hidden="true" focusable="false">
<radialGradient id="light"><stop offset="0.3" class="near"/><stop offset="1" class="far"/></radialGradient>
<clipPath id="above"><rect y="-30" width="200" height="102"/></clipPath>
<g clip-path="url(#above)"><circle class="glow" cx="100" cy="72" r="62" fill="url(#light)" data-part="glow"/><circle class="sun" cx="100" cy="72" r="22" data-part="sun"/><path class="moon" d="M108 20a17 17 0 1 0 13 27a14 14 0 0 1-13-27z"/></g>
<path class="horizon" d="M24 72.5h152"/><path class="ripple" d="M64 79.5h72"/>
</svg>`,
);
