import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { htmlPaywall } from "../../src/html/index.ts";
import { demand, offer, PAY_TO, render } from "./page.ts";

/** Tags of the page, in order, with their attributes' names: what no text may change. */
function skeleton(html: string): string {
  const script = /(<script type="application\/json"[^>]*>)([\s\S]*?)(<\/script>)/;
  const withoutData = html.replace(script, "$1$3");
  const tags = withoutData.matchAll(/<\/?([a-z0-9!]+)((?:\s+[a-z-]+(?:="[^"]*")?)*)\s*>/g);
  return [...tags]
    .map(([, name, list = ""]) => `${name}${list.replace(/="[^"]*"/g, "")}`)
    .join(" ");
}

/** The JSON that the page's script reads. */
function data(html: string): unknown {
  const text = /<script type="application\/json"[^>]*>([\s\S]*?)<\/script>/.exec(html)?.[1] ?? "";
  return JSON.parse(text);
}

const hostile = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 60 }),
  fc
    .array(
      fc.constantFrom(
        "</script>",
        "<!--",
        "<script>alert(1)</script>",
        '"',
        "'",
        "`",
        "${x}",
        "-->",
        "]]>",
        "&lt;",
        "<img src=x onerror=alert(1)>",
        "\u2028",
        "\0",
        " onload=",
        "</style>",
        "</title>",
      ),
      { minLength: 1, maxLength: 6 },
    )
    .map((parts) => parts.join("")),
);

describe("nothing that is put into the page gets out of its place", () => {
  test("texts of the 402", () => {
    const plain = skeleton(
      render(
        demand({
          resource: { url: "https://shop.example/", description: "x", serviceName: "x" },
          accepts: [offer({ network: "eip155:777", asset: "x", payTo: "x" })],
        }),
      ).html,
    );
    fc.assert(
      fc.property(hostile, hostile, hostile, (one, two, three) => {
        const required = demand({
          error: one,
          resource: { url: two, description: three, serviceName: one },
          accepts: [
            offer({ network: "eip155:777", asset: two.slice(0, 14), payTo: three.slice(0, 14) }),
          ],
          extensions: { any: { [two]: one } },
        });
        const { html } = render(required);
        expect(skeleton(html)).toBe(plain);
        expect(data(html)).toMatchObject({ paymentRequired: JSON.parse(JSON.stringify(required)) });
      }),
      { numRuns: 500 },
    );
  });

  test("options", () => {
    const plain = skeleton(
      render(demand(), { name: "x", text: { title: "x", howText: "x" } }).html,
    );
    fc.assert(
      fc.property(hostile, hostile, (one, two) => {
        const name = one.slice(0, 80);
        const { html } = render(demand(), { name, text: { title: two, howText: one } });
        expect(skeleton(html)).toBe(plain);
        expect(data(html)).toMatchObject({ text: { title: JSON.parse(JSON.stringify(two)) } });
      }),
      { numRuns: 300 },
    );
  });
});

describe("the policy", () => {
  test("lets nothing run or load but the page's own parts", () => {
    const { html, headers } = render(demand(), { accent: "#ffcc00" });
    const policy = headers["content-security-policy"] ?? "";
    const nonce = /script-src 'nonce-([A-Za-z0-9+/]{22}==)'/.exec(policy)?.[1];
    const style = /<style>([\s\S]*?)<\/style>/.exec(html)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(policy.split("; ")).toEqual([
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      `style-src 'sha256-${hash}'`,
      "img-src 'self' data: blob:",
      "media-src blob:",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ]);
    expect(html).toContain(`nonce="${nonce}"`);
    expect(style).toContain(":root{--accent:#ffcc00;--on-accent:#000000}");
    expect(headers).toMatchObject({
      "content-type": "text/html; charset=utf-8",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
    });
    // No inline handlers or styles, which the policy would stop, and nothing from elsewhere.
    expect(html).not.toMatch(/\s(?:on\w+|style)=/);
    expect(html.replaceAll(/<script type[\s\S]*?<\/script>/g, "")).not.toMatch(
      /(?:src|href)="https?:/,
    );
  });

  test("has a nonce of its own for every answer", () => {
    const page = htmlPaywall();
    const request = new Request("https://shop.example/");
    const policies = Array.from({ length: 3 }, () => {
      const { headers } = page.render({ request, paymentRequired: demand() });
      return headers?.["content-security-policy"];
    });
    expect(new Set(policies).size).toBe(3);
  });
});

describe("what people read", () => {
  test("price, network, payee and what is bought", () => {
    const { html } = render(
      demand({ resource: { url: "https://shop.example/a/ö?x=1", description: "The report" } }),
    );
    for (const part of ["0.01 USDC", "Base Sepolia", "(chain 84532)", PAY_TO, "0x2096…287C"])
      expect(html).toContain(part);
    expect(html).toContain('<p class="what" dir="auto">The report</p>');
    expect(html).toContain('<p class="where">shop.example/a/%C3%B6?x=1</p>');
  });

  test("an unknown token is in its smallest units, with a warning", () => {
    const asset = "0x00000000000000000000000000000000000000aa";
    const { html } = render(
      demand({
        accepts: [offer({ asset, amount: "10000", extra: { name: "Odd", version: "1" } })],
      }),
    );
    expect(html).toContain("10000 × 0x0000…00AA");
    expect(html).toContain("This token is not known here.");
  });

  test("a publisher's token has its symbol and decimals", () => {
    const asset = {
      network: "eip155:84532",
      address: "0x00000000000000000000000000000000000000aa",
      name: "Odd",
      version: "1",
      symbol: "ODD",
      decimals: 2,
      usd: false,
    } as const;
    const { html } = render(
      demand({ accepts: [offer({ asset: asset.address, amount: "1050" })] }),
      {
        assets: [asset],
      },
    );
    expect(html).toContain('<p class="price">10.5 ODD</p>');
    expect(html).not.toContain("This token is not known here.");
  });

  test("what no browser's wallet can pay is shown, and cannot be chosen", () => {
    const permit2 = offer({
      extra: { name: "USDC", version: "2", assetTransferMethod: "permit2" },
    });
    const { html } = render(demand({ accepts: [permit2, offer(), offer({ scheme: "upto" })] }));
    expect(html.match(/type="radio"/g)).toHaveLength(1);
    expect(html.match(/Not payable from a browser\./g)).toHaveLength(2);
    expect(data(html)).toMatchObject({ offers: [{ index: 1 }] });
    expect(render(demand({ accepts: [permit2] })).html).toContain("None of these can be paid");
  });

  test("a publisher's brand and words", () => {
    const { html } = render(demand(), {
      name: "Die Zeitung",
      logo: "/logo.svg",
      supportUrl: "mailto:hilfe@zeitung.example",
      lang: "de",
      text: { title: "Bitte zahlen", payWith: "Mit {wallet} zahlen" },
    });
    for (const part of [
      '<html lang="de">',
      "<title>Bitte zahlen · Die Zeitung</title>",
      '<img src="/logo.svg" alt="" height="32">',
      'href="mailto:hilfe@zeitung.example"',
    ])
      expect(html).toContain(part);
    expect(data(html)).toMatchObject({ text: { payWith: "Mit {wallet} zahlen" } });
  });
});

test.each([
  [{ name: "" }, "name"],
  [{ name: "x".repeat(81) }, "name"],
  [{ logo: "https://elsewhere.example/x.png" }, "logo"],
  [{ logo: "//elsewhere.example/x.png" }, "logo"],
  [{ logo: "/\\elsewhere.example/x.png" }, "logo"],
  [{ logo: "data:text/html,x" }, "logo"],
  [{ accent: "red" }, "accent"],
  [{ accent: "#fff;}body{display:none" }, "accent"],
  [{ supportUrl: "javascript:alert(1)" }, "supportUrl"],
  [{ supportUrl: "http://shop.example" }, "supportUrl"],
  [{ lang: 'en"' }, "lang"],
  [{ text: { nothing: "x" } }, "text.nothing"],
  [{ text: { title: "" } }, "text.title"],
  [{ assets: [{ network: "base", address: "0x", symbol: "X", decimals: 6 }] }, "assets"],
])("refuses the options %j", (options, named) => {
  expect(() => htmlPaywall(options as never)).toThrow(TypeError);
  expect(() => htmlPaywall(options as never)).toThrow(named);
});
