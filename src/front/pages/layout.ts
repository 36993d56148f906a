// The frame around every page: head, assets, the name of the project, and the place for connection news.
import { html, raw } from "hono/html";
import { getAssetPath } from "./assets.ts";
import { cleanText } from "./clean-text.ts";

export type Markup = ReturnType<typeof html>;
export type PageKind = "login" | "waking" | "index" | "message";

export type Frame = {
  kind: PageKind;
  title: string;
  project: string;
  /** The workload that the page is about. */
  workload?: string;
  /** Attributes of the body that the script reads, without their `data-`. */
  data?: Readonly<Record<string, string>>;
  /** Where there is no script, the page asks again after so many seconds. */
  refreshSeconds?: number;
  main: Markup;
};

/** A whole document. */
export function buildFrame(frame: Frame): string {
  const project = cleanText(frame.project);
  return print(
    html`<!doctype html>
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <meta name="robots" content="noindex, nofollow" />
          <title>${frame.title} · ${project}</title>
          <link rel="icon" type="image/svg+xml" href="${getAssetPath("icon.svg")}" />
          <link rel="stylesheet" href="${getAssetPath("page.css")}" />
          <script type="module" src="${getAssetPath("page.js")}"></script>
          ${frame.refreshSeconds === undefined ? "" : html`<noscript><meta http-equiv="refresh" content="${frame.refreshSeconds}" /></noscript>`}
        </head>
        <body data-page="${frame.kind}" data-project="${project}" ${buildData(frame.data ?? {})}>
          <header class="top">
            <span class="mark">${mark}Sesta</span>
            ${frame.kind === "index" ? "" : html`<span class="place">${project}${frame.workload === undefined ? "" : html` <span class="sep">/</span> <b>${cleanText(frame.workload)}</b>`}</span>`}
          </header>
          <p class="banner" data-part="banner" role="status" hidden></p>
          ${frame.main}
        </body>
      </html> `,
  );
}

/** The attribute that hides a part which has nothing to say. */
export function hiddenWhen(hidden: boolean): Markup | "" {
  return hidden ? raw(" hidden") : "";
}

/** A progress bar that the script keeps up to date; null means that something goes on and nobody knows how far. */
export function buildProgress(label: string, progress: number | null | "none"): Markup {
  const value = typeof progress === "number" ? html` value="${progress}"` : "";
  return html`<progress
    data-part="progress"
    aria-label="${label}"
    max="1"
    ${value}${hiddenWhen(progress === "none")}
  ></progress>`;
}

const mark = raw(
  `<svg class="glyph" viewBox="0 0 16 16" aria-hidden="true"><path d="M3.5 10.5a4.5 4.5 0 0 1 9 0z"/><path d="M1 13h14" class="ground"/></svg>`,
);

function buildData(data: Readonly<Record<string, string>>): Markup[] {
  return Object.entries(data).map(([name, value]) => html` data-${name}="${value}"`);
}

function print(markup: Markup): string {
  // hono's template turns into a promise only when it is given one, and no page gives one.
  if (markup instanceof Promise) throw new TypeError("a page holds a promise");
  return markup.toString();
}
