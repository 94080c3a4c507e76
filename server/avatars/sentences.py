"""Sentences that nobody can have recorded before: put together at random, to be read aloud once.

Of each language parts that fit together whichever are taken, in words that are easy to say and to
recognise: no numbers, no names, no words with two spellings.
"""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from visavis.engines.language.languages import ENGLISH
from visavis.engines.language.pronouncing import likeness, phonemes

Chosen = Callable[[Sequence[str]], str]
COUNT: Final = 2  # sentences that are read one after the other: 6 to 9 s


@dataclass(frozen=True, slots=True)
class _Parts:
    who: tuple[str, ...]
    what: tuple[str, ...]
    where: tuple[str, ...]
    blank: str = " "
    stop: str = "."


_PARTS: Final[Mapping[str, _Parts]] = {
    "en": _Parts(
        ("Young sailors", "Clever pilots", "Patient farmers", "Gentle teachers", "Brave dancers",
         "Honest bakers", "Quiet painters", "Friendly doctors", "Lucky children", "Old fishermen"),
        ("carry wooden ladders", "paint silver mountains", "open heavy letters",
         "count yellow feathers", "follow narrow rivers", "borrow empty baskets",
         "build paper castles", "wash golden curtains", "draw purple horses",
         "sell broken mirrors"),
        ("across the frozen lake", "under the crowded bridge", "beside the empty station",
         "after the summer concert", "before the evening market", "behind the little church",
         "during the autumn storm", "between the apple trees", "near the village school",
         "over the sleeping city"),
    ),
    "de": _Parts(
        ("Junge Matrosen", "Geduldige Bauern", "Mutige Tänzer", "Ehrliche Bäcker", "Stille Maler",
         "Freundliche Ärzte", "Fröhliche Kinder", "Alte Fischer", "Kluge Piloten",
         "Sanfte Lehrer"),
        ("tragen hölzerne Leitern", "malen silberne Berge", "öffnen schwere Briefe",
         "zählen gelbe Federn", "leihen leere Körbe", "bauen Burgen aus Papier",
         "waschen goldene Vorhänge", "zeichnen lila Pferde", "verkaufen zerbrochene Spiegel",
         "suchen rote Blumen"),
        ("über den gefrorenen See", "unter der vollen Brücke", "neben dem leeren Bahnhof",
         "nach dem Konzert im Sommer", "vor dem Markt am Abend", "hinter der kleinen Kirche",
         "während des Gewitters", "zwischen den Apfelbäumen", "in der Nähe der Schule",
         "am Rand der Stadt"),
    ),
    "es": _Parts(
        ("Los jóvenes marineros", "Los campesinos tranquilos", "Las bailarinas valientes",
         "Los panaderos honestos", "Las pintoras calladas", "Los médicos amables",
         "Las niñas alegres", "Los viejos pescadores", "Las pilotos listas",
         "Los maestros pacientes"),
        ("llevan escaleras de madera", "pintan montañas de plata", "abren cartas pesadas",
         "cuentan plumas amarillas", "piden cestas vacías", "construyen castillos de papel",
         "lavan cortinas doradas", "dibujan caballos verdes", "venden espejos rotos",
         "buscan flores rojas"),
        ("junto al lago helado", "debajo del puente", "cerca de la estación vacía",
         "después del concierto de verano", "antes del mercado de la tarde",
         "detrás de la iglesia pequeña", "durante la tormenta", "entre los manzanos",
         "delante de la escuela", "en la ciudad dormida"),
    ),
    "fr": _Parts(
        ("Les jeunes marins", "Les paysans tranquilles", "Les danseuses courageuses",
         "Les boulangers honnêtes", "Les peintres silencieux", "Les médecins aimables",
         "Les enfants joyeux", "Les vieux pêcheurs", "Les pilotes adroites",
         "Les maîtres patients"),
        ("portent des échelles de bois", "peignent des montagnes bleues",
         "ouvrent des lettres lourdes", "comptent des plumes jaunes",
         "empruntent des paniers vides", "construisent des châteaux de papier",
         "lavent des rideaux dorés", "dessinent des chevaux verts",
         "vendent des miroirs brisés", "cherchent des fleurs rouges"),
        ("près du lac gelé", "sous le grand pont", "devant la gare déserte",
         "après le concert de juillet", "avant le marché du soir", "derrière la petite église",
         "pendant la tempête", "entre les pommiers", "à côté de l’école",
         "dans la ville endormie"),
    ),
    "zh": _Parts(
        ("年轻的水手", "耐心的农民", "勇敢的舞者", "诚实的面包师", "安静的画家", "友好的医生",
         "快乐的孩子们", "年老的渔夫", "聪明的飞行员", "温柔的老师"),
        ("搬运木头梯子", "画银色的大山", "打开很重的信", "数黄色的羽毛", "借来空的篮子",
         "建造纸做的城堡", "清洗金色的窗帘", "画紫色的马", "卖掉破碎的镜子", "寻找红色的花"),
        ("在结冰的湖边", "在拥挤的桥下", "在空荡的车站旁", "在夏天的音乐会之后",
         "在晚上的市场之前", "在小教堂后面", "在秋天的暴风雨中", "在苹果树之间",
         "在村里的学校附近", "在沉睡的城市里"),
        "", "。",
    ),
    "ar": _Parts(
        ("البحارة الشباب", "الفلاحون الصابرون", "الراقصون الشجعان", "الخبازون الصادقون",
         "الرسامون الهادئون", "الأطباء الطيبون", "الأطفال السعداء", "الصيادون القدماء",
         "الطيارون الأذكياء", "المعلمون الكرام"),
        ("يحملون سلالم خشبية", "يرسمون جبالا فضية", "يفتحون رسائل ثقيلة",
         "يعدون ريشا أصفر", "يستعيرون سلالا فارغة", "يبنون قلاعا من ورق",
         "يغسلون ستائر ذهبية", "يرسمون خيولا خضراء", "يبيعون مرايا مكسورة",
         "يبحثون عن زهور حمراء"),
        ("قرب البحيرة الباردة", "تحت الجسر الكبير", "أمام المحطة الفارغة",
         "بعد حفلة الصيف", "قبل سوق المساء", "خلف المسجد الصغير", "أثناء العاصفة",
         "بين أشجار التفاح", "بجانب مدرسة القرية", "في المدينة النائمة"),
    ),
}  # fmt: skip
LANGUAGES: Final = tuple(_PARTS)


def sentence(language: str, chosen: Chosen = secrets.choice) -> str:
    """Something to read aloud, one of 729,000; `language` is one of LANGUAGES."""
    parts, said = _PARTS[language], list[str]()
    used: set[str] = set()
    for _ in range(COUNT):
        words = []
        for choice in (parts.who, parts.what, parts.where):
            words.append(chosen([each for each in choice if each not in used]))
            used.add(words[-1])
        arranged = words if parts.blank else [words[0], words[2], words[1]]  # as Chinese has it
        said.append(parts.blank.join(arranged) + parts.stop)
    return parts.blank.join(said)


def agreement(heard: str, shown: str, language: str) -> float:
    """How much of what was shown was said, in [0, 1]: by words, by letters or by sounds,
    whichever is kindest to a recogniser that writes one word for another."""
    a, b = _letters(heard), _letters(shown)
    if not a or not b:
        return 0.0
    found = [_alike(a.split(), b.split()), _alike([*a.replace(" ", "")], [*b.replace(" ", "")])]
    if language == ENGLISH.code:
        sounds = ["".join(phonemes(word) for word in text.split()) for text in (a, b)]
        found.append(float(likeness(sounds[:1], sounds[1:])[0]))
    return max(found)


def _letters(text: str) -> str:
    """Lower case, letters and blanks alone; vowel signs and accents left out."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (each if each.isalnum() else " " for each in plain if not unicodedata.combining(each))
    return " ".join("".join(kept).split())


def _alike(a: Sequence[str], b: Sequence[str]) -> float:
    """1 less the edit distance by the longer one's length."""
    row = list(range(len(b) + 1))
    for i, one in enumerate(a, start=1):
        last, row[0] = row[0], i
        for j, other in enumerate(b, start=1):
            last, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, last + (one != other))
    return 1 - row[-1] / max(len(a), len(b), 1)
