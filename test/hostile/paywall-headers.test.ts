import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { header, NO_MESSAGE, NOT_ATOMIC, withValue } from "./bad-values.ts";
import { expectProblem, send, type SendOptions } from "./send.ts";
import { startSite, type Site } from "./site.ts";

let site: Site;
/** Header of a payment that nothing is wrong with; never sent as it is. */
let payment: Awaited<ReturnType<Site["payment"]>>;

beforeAll(async () => {
  site = await startSite();
  payment = await site.payment();
});
afterAll(async () => {
  await site.stop();
});

const ask = (headers: SendOptions["headers"]) => send(site.url, { headers: headers ?? {} });

async function expectMalformed(value: string, name = "PAYMENT-SIGNATURE"): Promise<void> {
  expectProblem(await ask({ [name]: value }), 400, "malformed_payment");
}

describe.each(["PAYMENT-SIGNATURE", "X-PAYMENT"])(
  "%s that is no message is 400 malformed_payment",
  (name) => {
    test.each(NO_MESSAGE)("%s", async (_, value) => {
      await expectMalformed(value, name);
    });

    test("too large is 431", async () => {
      expectProblem(await ask({ [name]: "e30=".repeat(2049) }), 431, "payload_too_large");
    });

    test("larger than Node's own limit is 431 before it reaches us", async () => {
      const answer = await ask({ [name]: "e30=".repeat(5000) });
      expect(answer.status).toBe(431);
      expect(answer.body).toBe("");
    });

    test("sent twice is 400", async () => {
      const value = header(payment);
      expectProblem(await ask({ [name]: [value, value] }), 400, "malformed_payment");
    });
  },
);

describe("a message of the wrong version is 400", () => {
  test("v1 in PAYMENT-SIGNATURE", async () => {
    await expectMalformed(
      header({
        x402Version: 1,
        scheme: "exact",
        network: "base-sepolia",
        payload: payment.payload,
      }),
    );
  });
  test("v2 in X-PAYMENT", async () => {
    await expectMalformed(header(payment), "X-PAYMENT");
  });
  test.each([0, 1, 3, 2.5, -2, "2", null, undefined, [2]])(
    "x402Version %j",
    async (x402Version) => {
      await expectMalformed(header({ ...payment, x402Version }));
    },
  );
});

test("both headers at once are 400 ambiguous_payment, even if one is empty or both are right", async () => {
  const v1 = header({
    x402Version: 1,
    scheme: "exact",
    network: "base-sepolia",
    payload: payment.payload,
  });
  for (const [v2Value, v1Value] of [
    [header(payment), v1],
    [header(payment), ""],
    ["", v1],
    ["x", "x"],
  ] as const) {
    expectProblem(
      await ask({ "PAYMENT-SIGNATURE": v2Value, "X-PAYMENT": v1Value }),
      400,
      "ambiguous_payment",
    );
  }
});

describe("a field of the wrong type or form is 400", () => {
  test.each<[string, readonly unknown[]]>([
    ["accepted", [undefined, null, [], "exact", 1]],
    ["payload", [undefined, null, [], "0x", 1]],
    ["resource", ["https://example.com", [], 1]],
    ["extensions", ["x", [], 1]],
    ["accepted.scheme", [undefined, null, "", 1, "x".repeat(257)]],
    [
      "accepted.network",
      [undefined, null, "", "base-sepolia", "eip155:084532", "eip155:-1", "eip155:1e3", 84532],
    ],
    ["accepted.asset", [undefined, null, "", 1, "x".repeat(257)]],
    ["accepted.payTo", [undefined, null, "", {}, "x".repeat(257)]],
    ["accepted.maxTimeoutSeconds", [undefined, null, 0, -1, 1.5, "300", 2 ** 53]],
    ["accepted.extra", ["x", [], 1]],
    [
      "payload.signature",
      [
        undefined,
        null,
        1,
        "",
        "11".repeat(65),
        `0x${"zz".repeat(65)}`,
        "0x1",
        `0x${"11".repeat(2049)}`,
      ],
    ],
    ["payload.authorization", [undefined, null, [], "x"]],
    [
      "payload.authorization.from",
      [
        undefined,
        null,
        "",
        "0x1",
        `0x${"11".repeat(21)}`,
        "0x036CbD53842c5426634e7929541eC2318f3dCF7E",
      ],
    ],
    [
      "payload.authorization.to",
      [undefined, null, "", "vitalik.eth", "0x036CbD53842c5426634e7929541eC2318f3dCF7E"],
    ],
    [
      "payload.authorization.nonce",
      [
        undefined,
        null,
        "",
        "0x",
        `0x${"11".repeat(31)}`,
        `0x${"11".repeat(33)}`,
        "11".repeat(32),
        7,
      ],
    ],
    ["payload.permit2Authorization", [{}, "x", []]],
  ])("%s", async (path, values) => {
    for (const value of values) await expectMalformed(header(withValue(payment, path, value)));
  });

  describe.each([
    "accepted.amount",
    "payload.authorization.value",
    "payload.authorization.validAfter",
    "payload.authorization.validBefore",
  ])("%s", (path) => {
    test.each(NOT_ATOMIC)("%s", async (_, value) => {
      await expectMalformed(header(withValue(payment, path, value)));
    });
  });

  test("a payload of the Permit2 shape", async () => {
    const permit2Authorization = {
      from: site.world.accounts.payer.address,
      permitted: { token: site.offer.asset, amount: "10000" },
    };
    await expectMalformed(
      header({ ...payment, payload: { signature: "0x", permit2Authorization } }),
    );
  });

  test("v1 with a payload that is none", async () => {
    for (const payload of [undefined, null, [], "x", {}, { signature: "0x" }]) {
      const value = header({ x402Version: 1, scheme: "exact", network: "base-sepolia", payload });
      await expectMalformed(value, "X-PAYMENT");
    }
  });
});

test("of all this nothing reached the handler, the facilitator's chain or anybody's balance", async () => {
  expect(site.handlerRuns).toBe(0);
  expect(site.rpc.total).toBe(0);
  expect(await site.world.balanceOf(site.world.accounts.payee.address)).toBe(0n);
});

test("an honest payment is served afterwards", async () => {
  const answer = await ask({ "PAYMENT-SIGNATURE": header(payment) });
  expect(answer).toMatchObject({ status: 200, body: '{"report":42}' });
  expect(site.handlerRuns).toBe(1);
});
