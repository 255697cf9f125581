/** Questions on the terminal. They are on standard error, so that standard output has the answer of the server alone. */
import { createInterface } from "node:readline/promises";
import { UsageError } from "./exit.ts";

export const hasTerminal = (): boolean => process.stdin.isTTY && process.stderr.isTTY;

/** Whether somebody types y or yes. */
export async function askYesNo(question: string, signal?: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    // The end of the input is a no.
    const closed = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = lines.question(question, signal === undefined ? {} : { signal });
    return /^y(?:es)?$/i.test((await Promise.race([answer, closed])).trim());
  } finally {
    lines.close();
  }
}

/** What somebody types, without showing it. @throws UsageError when it is broken off. */
export async function askSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  // First, so that nothing that answers the question is shown.
  stdin.setRawMode(true);
  stderr.write(question);
  try {
    return await readSecret();
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

function readSecret(): Promise<string> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    let typed = "";
    const decoder = new TextDecoder();
    const end = (): void => {
      stdin.off("data", read);
      stdin.off("end", stop);
    };
    const stop = (): void => {
      end();
      reject(new UsageError("no password was given"));
    };
    const read = (chunk: Buffer): void => {
      const keys = Array.from(decoder.decode(chunk, { stream: true }));
      for (const [at, key] of keys.entries()) {
        if (key === "\r" || key === "\n") {
          end();
          stdin.pause();
          // What was typed ahead is for the next question.
          const rest = keys.slice(at + 1).join("");
          if (rest !== "") stdin.unshift(Buffer.from(rest));
          return resolve(typed);
        }
        if (key === "\u0003" || key === "\u0004") return stop(); // Ctrl-C, Ctrl-D
        if (key === "\u007f" || key === "\b") typed = Array.from(typed).slice(0, -1).join("");
        else if (key === "\u0015") typed = ""; // Ctrl-U
        else typed += key;
      }
    };
    stdin.on("data", read);
    stdin.once("end", stop);
    stdin.resume();
  });
}
