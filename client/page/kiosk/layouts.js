/**
 * Which keys a screen's keyboard has, by language. A row is a text with a space between its keys.
 *
 * Chinese has the Latin letters: it would take a dictionary to make characters of them, so there one
 * rather speaks, or touches a question.
 */

const ROWS = {
  en: ["q w e r t y u i o p", "a s d f g h j k l '", "z x c v b n m"],
  es: ["á é í ó ú ü ¿ ¡", "q w e r t y u i o p", "a s d f g h j k l ñ", "z x c v b n m"],
  fr: ["é è ê à â ç î ô ù ' -", "a z e r t y u i o p", "q s d f g h j k l m", "w x c v b n œ"],
  de: ["q w e r t z u i o p ü", "a s d f g h j k l ö ä", "y x c v b n m ß"],
  ar: ["ض ص ث ق ف غ ع ه خ ح ج", "ش س ي ب ل ا ت ن م ك ط", "ئ ء ؤ ر ى ة و ز ظ د ذ", "أ إ آ لا"],
};

const SIGNS = ["1 2 3 4 5 6 7 8 9 0", "@ # € $ % & * ( ) /", "- + = : ; \" ' ! _"];
const MARKS = { en: [",", ".", "?"], ar: ["،", ".", "؟"] };

/** @param {string} text */
const keys = (text) => text.split(" ");

/** The rows of letters, first to last. @param {string} language @returns {string[][]} */
export function letters(language) {
  return (ROWS[/** @type {keyof ROWS} */ (language)] ?? ROWS.en).map(keys);
}

/** Figures and signs. @returns {string[][]} */
export const signs = () => SIGNS.map(keys);

/** What ends and divides sentences. @param {string} language */
export const marks = (language) => (language === "ar" ? MARKS.ar : MARKS.en);

/** Whether a language has capitals. @param {string} language */
export const hasCapitals = (language) => language !== "ar";
