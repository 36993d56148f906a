// Base images as a Dockerfile names them.
import { expect, test } from "vitest";
import { listBaseImages } from "./dockerfile.ts";

test.each<[string, string[]]>([
  ["FROM python:3.12-slim\nRUN echo FROM x\n", ["python:3.12-slim"]],
  ["FROM scratch\nCOPY a /\n", []],
  [
    "ARG V=1\nfrom --platform=linux/amd64 node:24 as build\nFROM build AS test\nFROM nginx\nCOPY --from=build /a /\n",
    ["node:24", "nginx"],
  ],
  ["FROM \\\n  debian:12 \\\n  AS one\r\nFROM debian:12\r\n", ["debian:12"]],
  ["ARG BASE\nFROM ${BASE}\n", []],
])("%j", (text, names) => expect(listBaseImages(text)).toEqual(names));
