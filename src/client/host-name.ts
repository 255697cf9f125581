/** Host name of a URL: lower case, punycode, without port and final dot. */
export const hostOf = (url: string): string => new URL(url).hostname.replace(/\.$/, "");

/** Host name as URLs have it. @throws TypeError for what is none. */
export function hostName(host: string): string {
  const url = `http://${host}`;
  if (!URL.canParse(url)) throw new TypeError(`"${host}" is no host name such as "example.com"`);
  return hostOf(url);
}
