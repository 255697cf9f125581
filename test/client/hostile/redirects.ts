/** Where a server sends who asks, and who pays. */
import { afterwards, ask, deliver, reply, type Answer, type Behaviour } from "./server.ts";

const redirect = (location: string, status = 307): Answer => ({
  status,
  headers: { Location: location },
});
export const REDIRECTS: Behaviour[] = [
  ...[301, 302, 303, 307, 308].map((status) => ({
    does: `redirects the payment with ${status} to another origin`,
    answer: afterwards(({ thief }) => redirect(`${thief}/take`, status)),
    ends: [status],
  })),
  ...[
    "/other",
    "//127.0.0.1:9/",
    "data:text/plain,paid",
    "file:///etc/passwd",
    "javascript:1",
    "\\\\127.0.0.1:9\\",
    "http://",
  ].map((location) => reply(`redirects the payment to ${location}`, redirect(location), [307])),
  {
    does: "redirects the payment to an address with its own credentials",
    answer: afterwards(({ thief }) => redirect(thief.replace("//", "//user:pass@"))),
    ends: [307],
  },
  {
    does: "refreshes the payment to another origin",
    answer: afterwards(({ thief }) => ({
      ...deliver(),
      headers: { Refresh: `0; url=${thief}`, Link: `<${thief}>; rel=preload` },
    })),
    ends: [200],
  },
  {
    does: "redirects the request to another origin, which asks for payment",
    answer: ({ here, thief, headers }) =>
      headers.host === new URL(here).host ? redirect(thief) : ask(),
    ends: ["refused redirected"],
    signed: [0, 0],
  },
  ...[
    "data:text/plain,free",
    "file:///etc/passwd",
    "ftp://127.0.0.1/",
    "http://user:pass@127.0.0.1:9/",
    "/again",
  ].map((location) => ({
    does: `redirects the request to ${location}`,
    answer: () => redirect(location),
    ends: ["network error"] as const,
    signed: [0, 0] as const,
  })),
];
