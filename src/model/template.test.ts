// Templates: written once, filled on the machine, plain JSON in between.
import fc from "fast-check";
import { expect, test } from "vitest";
import { fill, placeNames, template, type Places, type Template } from "./template.ts";

const places: Places = {
  environment: "/e",
  workspace: "/w s",
  runtime: "/r",
  keep: "/k",
  port: "8080",
  token_file: "/r/token",
};

test("text and places, in their order", () => {
  const written = template`--root=${{ place: "workspace" }}/x:${{ place: "port" }}`;
  expect(written).toEqual(["--root=", { place: "workspace" }, "/x:", { place: "port" }]);
  expect(fill(written, places)).toBe("--root=/w s/x:8080");
});

test("empty text is left out, an empty template is empty text", () => {
  expect(template`${{ place: "port" }}`).toEqual([{ place: "port" }]);
  expect(fill(template``, places)).toBe("");
});

test("what a place holds is never read as a template again", () => {
  expect(fill([{ place: "workspace" }], { ...places, workspace: "${port}{ place: 'port' }" })).toBe(
    "${port}{ place: 'port' }",
  );
});

test("filling after a way through JSON is filling, whatever the text", () => {
  const part = fc.oneof(
    fc.string(),
    fc.constantFrom(...placeNames).map((place) => ({ place })),
  );
  fc.assert(
    fc.property(fc.array(part), (parts: Template) => {
      const text = fill(parts, places);
      expect(fill(JSON.parse(JSON.stringify(parts)) as Template, places)).toBe(text);
      expect(text.length).toBe(
        parts.reduce(
          (sum, one) => sum + (typeof one === "string" ? one.length : places[one.place].length),
          0,
        ),
      );
    }),
  );
});
