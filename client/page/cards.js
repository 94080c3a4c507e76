/**
 * The cards of the page, beside the conversation: over the picture they would cover the face.
 */

import { CardShelf, STYLE, WORDS } from "../element/cards.js";
import { byId } from "./dom.js";
import { onLanguage, t } from "./texts/texts.js";

/** What cards say in the page's language. */
const words = () => Object.fromEntries(Object.keys(WORDS).map((key) => [key, t(`card.${key}`)]));

/** Show the cards of an avatar in the panel. @param {import("../visavis-avatar.js").VisavisAvatar} avatar */
export function showCards(avatar) {
  onLanguage(() => {
    avatar.cardWords = words();
  });
  const root = byId("cards").attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  avatar.useShelf((target, away) => new CardShelf(root, target, away, true));
}
