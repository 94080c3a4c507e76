/** Every word that the page writes, in English: one key a text, the same keys in every language.
 * Words in braces are filled in. */
export default {
  // --- the page ---------------------------------------------------------------------------------
  "language.name": "English",

  // --- staff: keys begin with "staff." ----------------------------------------------------------

  // --- kiosk: keys begin with "kiosk." ----------------------------------------------------------

  // --- cards: keys begin with "card." -----------------------------------------------------------
};
