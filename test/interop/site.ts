import { serve, type ServerType } from "@hono/node-server";
import type { AddressInfo } from "node:net";

/** Anything with a web-standard handler, a Hono app for example. */
export type App = { readonly fetch: (request: Request) => Response | Promise<Response> };

export type SiteUrl = `http://${string}`;
export type Site = { readonly url: SiteUrl; close(): Promise<void> };

/** Serves an app over real HTTP on a free port. */
export async function startSite(app: App): Promise<Site> {
  let server: ServerType;
  const { port } = await new Promise<AddressInfo>((resolve, reject) => {
    server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, resolve);
    server.once("error", reject);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        if ("closeAllConnections" in server) server.closeAllConnections();
      }),
  };
}
