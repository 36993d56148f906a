// The login page: one password, for one workload or for the project.
import { html } from "hono/html";
import { cleanText } from "./clean-text.ts";
import { describeWait } from "./duration-text.ts";
import { buildFrame, hiddenWhen } from "./layout.ts";
import { safeNext } from "./safe-next.ts";

export type LoginPage = {
  project: string;
  /** Name of the workload whose password is asked; without one, the project's. */
  workload?: string;
  /** Where to go afterwards; anything but a path of this origin becomes "/". */
  next: string;
  /** Why the last try did not succeed. */
  problem?: string;
  /** No try is accepted before so many seconds have passed. */
  retryAfterSeconds?: number;
};

/** Posts `password` and `next` as a plain form to `/_sesta/login`. */
export function buildLoginPage(page: LoginPage): string {
  const name = cleanText(page.workload ?? page.project);
  const problem = describeProblem(page);
  const wait =
    page.retryAfterSeconds === undefined
      ? {}
      : { "retry-seconds": String(Math.ceil(page.retryAfterSeconds)) };
  return buildFrame({
    kind: "login",
    title: `Log in to ${name}`,
    project: page.project,
    ...(page.workload === undefined ? {} : { workload: page.workload }),
    data: wait,
    main: html`<main class="narrow">
      <h1>Log in to <span class="name">${name}</span></h1>
      <form method="post" action="/_sesta/login" class="login">
        <input type="hidden" name="next" value="${safeNext(page.next)}" />
        <label for="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autocomplete="current-password"
          required
          autofocus
          autocapitalize="off"
          spellcheck="false"
          maxlength="1024"
          ${problem === "" ? "" : html` aria-invalid="true" aria-describedby="problem"`}
        />
        <p id="problem" class="problem" role="alert" data-part="problem" ${hiddenWhen(problem === "")}>
          ${problem}
        </p>
        <button type="submit" class="primary">Log in</button>
      </form>
      <p class="quiet">
        The owner can run <code>sesta open${page.workload === undefined ? "" : ` ${name}`}</code>.
      </p>
    </main>`,
  });
}

function describeProblem(page: LoginPage): string {
  const problem = cleanText(page.problem ?? "");
  if (page.retryAfterSeconds === undefined) return problem;
  const wait = `Try again in ${describeWait(Math.ceil(page.retryAfterSeconds) * 1000)}.`;
  return `${problem === "" ? "Too many attempts." : problem} ${wait}`;
}
