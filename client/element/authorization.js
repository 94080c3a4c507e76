/** How requests to a server say who asks. @param {string} token @returns {Record<string, string>} */
export function authorization(token) {
  return token ? { Authorization: `Bearer ${token}` } : {};
}
