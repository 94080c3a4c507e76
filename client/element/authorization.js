/** How requests to a server say who asks. @param {string} token @returns {Record<string, string>} */
export function authorization(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * Whether two tokens are one visitor's, so that the new one goes on with what the old one began.
 * @param {string} one @param {string} other
 */
export function areOnes(one, other) {
  const whose = subject(one);
  return one === other || (whose !== "" && whose === subject(other));
}

/** Whose a signed token says it is; only the server knows whether that is so. @param {string} token */
function subject(token) {
  const claims = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  try {
    return String(JSON.parse(atob(claims)).sub ?? "");
  } catch {
    return "";
  }
}
