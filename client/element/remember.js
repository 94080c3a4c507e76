/** A list that forgets its oldest. @template T @param {T[]} list @param {T} item @param {number} most */
export function remember(list, item, most) {
  list.push(item);
  if (list.length > most) list.splice(0, list.length - most);
}
