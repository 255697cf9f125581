/** Host name as URLs have it: lower case, punycode, without port and final dot. */
export function hostName(host: string): string {
  const url = `http://${host}`;
  if (!URL.canParse(url)) throw new TypeError(`"${host}" is no host name such as "example.com"`);
  return new URL(url).hostname.replace(/\.$/, "");
}
