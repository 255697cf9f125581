import { describe, expect, test } from "vitest";
import {
  addressOption,
  hostOption,
  hostsOption,
  moneyOption,
  secondsOption,
  windowOption,
  windowText,
} from "../../bin/options.ts";
import { requestOf } from "../../bin/pay-request.ts";

describe("options", () => {
  test.each([
    ["day", 86_400, "in 1d"],
    ["7d", 604_800, "in 7d"],
    ["week", 604_800, "in 7d"],
    ["90m", 5400, "in 90m"],
    ["36h", 129_600, "in 36h"],
    ["61s", 61, "in 61s"],
    ["31d", 2_678_400, "in 31d"],
  ])("a window of %s", (text, seconds, shown) => {
    expect(windowOption(text)).toBe(seconds);
    expect(windowText(seconds)).toBe(shown);
  });

  test.each([
    ["32d", windowOption],
    ["0s", windowOption],
    ["-1d", windowOption],
    ["month", windowOption],
    ["0", secondsOption],
    ["1e3", secondsOption],
    ["", secondsOption],
    ["a b", (text: string) => hostsOption(text, [])],
    ["", (text: string) => hostsOption(text, [])],
    ["*.example.com", hostOption],
    ["-5", moneyOption],
    ["1,5", moneyOption],
    ["5 EURC more", moneyOption],
    ["0x209693Bc6afc0C5328bA36FaF03C514EF312287c", addressOption],
  ])("%j is refused", (text, option: (text: string) => unknown) => {
    expect(() => option(text)).toThrow(/^It must be /);
  });
});

test("a header that cannot be sent is wrong usage", () => {
  expect(() => requestOf({ header: ["Bad Name: x"] })).toThrow('-H "Bad Name" is not a header');
  expect(() => requestOf({ header: ["none"] })).toThrow("must be of the form");
  expect(() => requestOf({ header: [], idempotencyKey: "a\nb" })).toThrow("--idempotency-key");
});
