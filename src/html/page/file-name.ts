const EXTENSIONS: Readonly<Record<string, string>> = {
  "text/html": "html",
  "text/plain": "txt",
  "application/json": "json",
  "application/pdf": "pdf",
};

/** Name for a download: of `Content-Disposition` (RFC 6266), else the last part of the path. Never a folder. */
export function fileName(disposition: string | null, path: string, type: string): string {
  const extended = /;\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]+)/i.exec(disposition ?? "")?.[1];
  const plain = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(disposition ?? "");
  const named =
    (extended === undefined ? undefined : decoded(extended)) ??
    plain?.[1]?.replace(/\\(.)/g, "$1") ??
    plain?.[2];
  const last = decoded(path.split("/").findLast((part) => part !== "") ?? "") ?? "";
  const name = (named ?? last).replace(/[/\\\p{Cc}\p{Cf}]/gu, "_").slice(0, 100);
  if (name === "" || /^\.+$/.test(name)) return `content${extensionOf(type)}`;
  return named === undefined && !name.includes(".") ? name + extensionOf(type) : name;
}

function extensionOf(type: string): string {
  const known = EXTENSIONS[type] ?? /^(?:image|audio|video)\/(?:x-)?([a-z0-9]+)/.exec(type)?.[1];
  return known === undefined ? "" : `.${known}`;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
