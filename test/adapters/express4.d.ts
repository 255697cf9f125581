/** Express 4 under a name of its own; tests use of it what 5 has too. */
declare module "express4" {
  import express from "express";
  export default express;
}

declare module "compression" {
  import type { RequestHandler } from "express";
  export default function compression(options?: { readonly threshold?: number }): RequestHandler;
}
