/** The Basic scheme of RFC 7617 in UTF-8. */
export function basicCredentials(username: string, password: string): { Authorization: string } {
  const octets = new TextEncoder().encode(`${username}:${password}`);
  return { Authorization: `Basic ${btoa(String.fromCharCode(...octets))}` };
}
