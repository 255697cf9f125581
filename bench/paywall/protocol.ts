/** What the process that is measured is told, and tells. */
export const SUBJECTS = [
  "hono-bare",
  "hono-farthing",
  "hono-official",
  "express-bare",
  "express-farthing",
  "express-official",
] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export const NETWORK = "eip155:84532";
export const PAY_TO = "0x209693Bc6afc0C5328bA36FaF03C514EF312287C";
export const PATH = "/report";

export interface Listening {
  readonly port: number;
}
