// Reports as tools write them, and files that are none.
import { expect, test } from "vitest";
import { parseReport } from "./junit.ts";

test("as pytest writes it: cases are counted, sums of suites are not", () => {
  const text = `<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" errors="0"
    failures="9" skipped="0" tests="99" time="0.05"><testcase classname="src.tests.test_app" name="test_health" time="0.010" />
    <testcase classname="src.tests.test_app" name="test_predict[&lt;1&gt;]" time="0.005"><failure message="x">text &amp; more</failure></testcase>
    <testcase classname="a" name="b" time="nan"><error message="e"/><failure/></testcase>
    <testcase classname="a" name="c"><skipped message="s"/></testcase></testsuite></testsuites>`;
  expect(parseReport(text)).toEqual({
    tests: 4,
    failures: 2,
    errors: 0,
    skipped: 1,
    seconds: 0.015,
    failed: ["src.tests.test_app.test_predict[<1>]", "a.b"],
  });
});

test("many failures: the first twenty have names, each cut", () => {
  const one = `<testcase name="${"x".repeat(500)}"><failure/></testcase>`;
  const { failures, failed } = parseReport(`<testsuite>${one.repeat(50)}</testsuite>`);
  expect([failures, failed.length, failed[0]?.length]).toEqual([50, 20, 200]);
});

test.each([
  ["no XML", "hello"],
  ["another document", "<html><body/></html>"],
  ["cut off", "<testsuite><testcase name='a'>"],
  ["an entity of its own", '<!DOCTYPE x [<!ENTITY a "aaaa">]><testsuite name="&a;"/>'],
  ["nothing", ""],
])("refuses %s", (_, text) => expect(() => parseReport(text)).toThrow());
