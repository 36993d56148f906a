// Which writes an open tab makes by itself.
import { expect, test } from "vitest";
import { isOwnWrite } from "./own-write.ts";

test.each([
  ["PUT", "/lab/api/workspaces/default?1795248807251"],
  ["PUT", "/lab/api/workspaces/default"],
  ["PUT", "/lab/api/workspaces/auto-k%20b"],
])("%s %s is the tab's own", (method, target) => {
  expect(isOwnWrite({ method, target })).toBe(true);
});

test.each([
  ["DELETE", "/lab/api/workspaces/default"],
  ["POST", "/lab/api/workspaces/default"],
  ["PUT", "/api/contents/lab/api/workspaces/default"],
  ["PUT", "/lab/api/workspaces/a/b"],
  ["PUT", "/api/contents/first.ipynb"],
  ["POST", "/api/contents/first.ipynb/checkpoints"],
  ["PUT", "/lab/api/settings/@jupyterlab/apputils-extension:themes"],
  ["POST", "/api/sessions"],
  ["PATCH", "/api/sessions/1"],
  ["POST", "/api/terminals"],
])("%s %s is a person's", (method, target) => {
  expect(isOwnWrite({ method, target })).toBe(false);
});
