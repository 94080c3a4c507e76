"""Units of measure and currencies: what is said for their signs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_BASES: Final = {  # sign: one, prefixes
    "m": ("meter", "kcmμunpd"), "g": ("gram", "kmμu"), "l": ("liter", "mcdh"),
    "L": ("liter", "m"), "s": ("second", "mμun"), "W": ("watt", "kMGTm"), "Hz": ("hertz", "kMGT"),
    "V": ("volt", "kmM"), "A": ("ampere", "mk"), "J": ("joule", "kM"), "Pa": ("pascal", "hkM"),
    "N": ("newton", "k"), "Wh": ("watt hour", "kMGT"), "B": ("byte", "kKMGTP"),
    "bit": ("bit", "kMG"), "Ω": ("ohm", "kM"), "cal": ("calorie", "k"), "eV": ("electronvolt", "k"),
    "t": ("ton", ""),
}  # fmt: skip
_PREFIXES: Final = {
    "k": "kilo", "K": "kilo", "c": "centi", "m": "milli", "μ": "micro", "u": "micro", "n": "nano",
    "p": "pico", "d": "deci", "h": "hecto", "M": "mega", "G": "giga", "T": "tera", "P": "peta",
}  # fmt: skip
_OTHERS: Final = {
    "mi": "mile", "ft": "foot", "in": "inch", "yd": "yard", "yds": "yard", "lb": "pound",
    "lbs": "pound", "oz": "ounce", "gal": "gallon", "pt": "pint", "qt": "quart",
    "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour", "sec": "second",
    "secs": "second", "wk": "week", "wks": "week", "mo": "month", "mos": "month", "yr": "year",
    "yrs": "year", "kgs": "kilogram", "kms": "kilometer", "kb": "kilobyte", "mb": "megabyte",
    "gb": "gigabyte", "tb": "terabyte", "ha": "hectare", "ac": "acre", "hp": "horsepower",
    "°": "degree", "deg": "degree", "°C": "degree Celsius", "°F": "degree Fahrenheit",
    "℃": "degree Celsius", "℉": "degree Fahrenheit", "mph": "mile per hour",
    "kph": "kilometer per hour", "kmh": "kilometer per hour", "mbps": "megabit per second",
    "gbps": "gigabit per second", "kbps": "kilobit per second", "rpm": "revolution per minute",
    "km/h": "kilometer per hour", "m/s": "meter per second", "ft/s": "foot per second",
    "m/s^2": "meter per second squared", "mi/h": "mile per hour", "fps": "frame per second",
    "dB": "decibel", "px": "pixel", "pcs": "piece", "ppl": "person", "pax": "guest",
    "sqm": "square meter", "sqft": "square foot", "km^2": "square kilometer", "m^2": "square meter",
    "cm^2": "square centimeter", "mm^2": "square millimeter", "ft^2": "square foot",
    "mi^2": "square mile", "km^3": "cubic kilometer", "m^3": "cubic meter",
    "cm^3": "cubic centimeter", "km2": "square kilometer", "m2": "square meter",
    "m3": "cubic meter", "cbm": "cubic meter",
}  # fmt: skip
_FIXED: Final = {
    "%": "percent", "‰": "per mille", "x": "times", "cc": "cc", "¢": "cents", "bn": "billion",
    "mn": "million", "mio": "million", "mrd": "billion", "sq": "square", "fl": "fluid",
    "ct": "cents", "kt": "karats", "pp": "percentage points",
}  # fmt: skip
_PLURALS: Final = {
    "foot": "feet", "inch": "inches", "horsepower": "horsepower", "person": "people",
}  # fmt: skip
# Alone behind a number these are a unit only in small letters: "3 h", but "Terminal 5 H".
LETTERS: Final = frozenset("xsglmhtVWANJBL")
SQUARED: Final = frozenset({"sq", "square", "cubic", "fl"})  # "31480 sq ft"


def _table() -> dict[str, str]:
    names = dict(_OTHERS)
    for sign, (one, prefixes) in _BASES.items():
        names.setdefault(sign, one)
        for prefix in prefixes:
            names.setdefault(prefix + sign, _PREFIXES[prefix] + one)
    return names


_UNITS: Final = _table()
_LOOSE: Final = {sign.lower(): one for sign, one in reversed(_UNITS.items())}


def unit(sign: str, *, one: bool) -> str | None:
    """ "km" -> "kilometers", or "kilometer" for one of them; None for what is no unit."""
    fixed = _FIXED.get(sign) or _FIXED.get(sign.lower())
    if fixed is not None:
        return fixed
    single = _UNITS.get(sign) or _LOOSE.get(sign.lower())
    return None if single is None else single if one else plural(single)


def plural(single: str) -> str:
    """ "mile per hour" -> "miles per hour"."""
    head, gap, tail = single.partition(" ")
    if head in {"square", "cubic", "watt", "kilowatt", "megawatt", "gigawatt", "terawatt"} and gap:
        return f"{head} {plural(tail)}"
    return _PLURALS.get(head, head if head.endswith("hertz") else head + "s") + gap + tail


@dataclass(frozen=True, slots=True)
class Currency:
    """What one is called, several, a hundredth of it and several; "" without hundredths."""

    one: str
    several: str
    cent: str = "cent"
    cents: str = "cents"


_SIGNS: Final = {
    "$": Currency("dollar", "dollars"),
    "€": Currency("euro", "euros"),
    "£": Currency("pound", "pounds", "penny", "pence"),
    "¥": Currency("yen", "yen", "", ""),
    "₹": Currency("rupee", "rupees", "paisa", "paise"),
    "₩": Currency("won", "won", "", ""),
    "₽": Currency("ruble", "rubles", "kopeck", "kopecks"),
    "₺": Currency("lira", "lira", "", ""),
    "₪": Currency("shekel", "shekels", "", ""),
    "₫": Currency("dong", "dong", "", ""),
    "฿": Currency("baht", "baht", "", ""),
    "₦": Currency("naira", "naira", "kobo", "kobo"),
    "₱": Currency("peso", "pesos", "centavo", "centavos"),
    "₴": Currency("hryvnia", "hryvnias", "", ""),
    "₿": Currency("bitcoin", "bitcoins", "", ""),
}
_NATIONS: Final = {
    "US": "US", "A": "Australian", "AU": "Australian", "C": "Canadian", "CA": "Canadian",
    "NZ": "New Zealand", "HK": "Hong Kong", "S": "Singapore", "SG": "Singapore",
}  # fmt: skip
CURRENCIES: Final[dict[str, Currency]] = {
    **_SIGNS,
    **{f"{sign}$": Currency(f"{nation} dollar", f"{nation} dollars")
       for sign, nation in _NATIONS.items()},
    "R$": Currency("real", "reais", "centavo", "centavos"),
    "USD": Currency("US dollar", "US dollars"), "EUR": _SIGNS["€"], "GBP": _SIGNS["£"],
    "JPY": _SIGNS["¥"], "INR": _SIGNS["₹"], "KRW": _SIGNS["₩"], "TRY": _SIGNS["₺"],
    "CNY": Currency("yuan", "yuan", "", ""), "RMB": Currency("yuan", "yuan", "", ""),
    "CHF": Currency("Swiss franc", "Swiss francs", "", ""),
    "AUD": Currency("Australian dollar", "Australian dollars"),
    "CAD": Currency("Canadian dollar", "Canadian dollars"),
    "NZD": Currency("New Zealand dollar", "New Zealand dollars"),
    "SGD": Currency("Singapore dollar", "Singapore dollars"),
    "SEK": Currency("Swedish krona", "Swedish kronor", "", ""),
    "NOK": Currency("Norwegian krone", "Norwegian kroner", "", ""),
    "DKK": Currency("Danish krone", "Danish kroner", "", ""),
    "PLN": Currency("zloty", "zlotys", "", ""), "CZK": Currency("crown", "crowns", "", ""),
    "AED": Currency("dirham", "dirhams", "", ""), "MXN": Currency("peso", "pesos", "", ""),
    "BRL": Currency("real", "reais", "centavo", "centavos"),
    "ZAR": Currency("rand", "rand", "cent", "cents"),
}  # fmt: skip
