/** Code blocks of a Markdown text. */

export interface CodeBlock {
  /** First word after the fence, lower case; empty when there is none. */
  readonly language: string;
  readonly code: string;
  /** Line of the text that the code starts on; the first is 1. */
  readonly line: number;
}

const FENCE = /^([ \t]*)(`{3,}|~{3,})[ \t]*([^\s`]*)/;

/** Fenced blocks, without the indentation of their fence. @throws Error when one is not closed. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split(/\r?\n/);
  for (let i = 0; i < lines.length; i++) {
    const [, indent = "", fence = "", language = ""] = FENCE.exec(lines[i] ?? "") ?? [];
    if (fence === "") continue;
    const start = i + 1;
    const isEnd = (line: string) => {
      const text = line.trim();
      return text.length >= fence.length && text === fence.charAt(0).repeat(text.length);
    };
    do i++;
    while (i < lines.length && !isEnd(lines[i] ?? ""));
    if (i >= lines.length) throw new Error(`the code block of line ${start} is not closed`);
    const code = lines.slice(start, i).map((line) => withoutIndent(line, indent.length));
    blocks.push({ language: language.toLowerCase(), code: code.join("\n"), line: start + 1 });
  }
  return blocks;
}

function withoutIndent(line: string, width: number): string {
  return line.slice(0, width).trim() === "" ? line.slice(width) : line.trimStart();
}

const RUN = /\bnpm\s+(?:(?:run-script|run)\s+(?:-\S+\s+)*([\w:.-]+)|(test|start|stop|restart)\b)/g;

/** Scripts of package.json that shell code runs: `npm run x`, `npm test`, `npm start`. */
export function npmScripts(shell: string): string[] {
  const commands = shell.replaceAll(/(?:^|\s)#.*$/gm, "");
  return [...commands.matchAll(RUN)].map(([, named, short]) => named ?? short ?? "");
}
