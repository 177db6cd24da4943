"""The names of languages by which speech APIs call them, and their ISO 639 codes: those that Whisper knows."""

from collections.abc import Mapping

_CODES = """
afrikaans af, albanian sq, amharic am, arabic ar, armenian hy, assamese as, azerbaijani az, bashkir ba, basque eu,
belarusian be, bengali bn, bosnian bs, breton br, bulgarian bg, burmese my, cantonese yue, castilian es, catalan ca,
chinese zh, croatian hr, czech cs, danish da, dutch nl, english en, estonian et, faroese fo, finnish fi, flemish nl,
french fr, galician gl, georgian ka, german de, greek el, gujarati gu, haitian ht, haitian creole ht, hausa ha,
hawaiian haw, hebrew he, hindi hi, hungarian hu, icelandic is, indonesian id, italian it, japanese ja, javanese jw,
kannada kn, kazakh kk, khmer km, korean ko, lao lo, latin la, latvian lv, lingala ln, lithuanian lt, luxembourgish lb,
macedonian mk, malagasy mg, malay ms, malayalam ml, maltese mt, mandarin zh, maori mi, marathi mr, moldavian ro,
mongolian mn, myanmar my, nepali ne, norwegian no, nynorsk nn, occitan oc, panjabi pa, pashto ps, persian fa,
polish pl, portuguese pt, punjabi pa, pushto ps, romanian ro, russian ru, sanskrit sa, serbian sr, shona sn, sindhi sd,
sinhala si, sinhalese si, slovak sk, slovenian sl, somali so, spanish es, sundanese su, swahili sw, swedish sv,
tagalog tl, tajik tg, tamil ta, tatar tt, telugu te, thai th, tibetan bo, turkish tr, turkmen tk, ukrainian uk,
urdu ur, uzbek uz, vietnamese vi, welsh cy, yiddish yi, yoruba yo
"""
CODES: Mapping[str, str] = dict(row.strip().rsplit(" ", 1) for row in _CODES.replace("\n", " ").split(","))


def code_of(language: str) -> str | None:
    """Return the code of a language, given by its English name or its code; None for one that Whisper does not know."""
    name = language.strip().lower()
    return name if name in CODES.values() else CODES.get(name)
