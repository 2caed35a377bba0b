"""How wide a line of text is, without a font at hand: good enough to make room for it.

The widths are those of the DejaVu Sans family, measured letter by letter; Verdana, beside it in every list of fonts
here, is the same within a twentieth. What is drawn is then fitted to the width that was said.
"""

import unicodedata
from functools import lru_cache

_EM = 1000
_WIDE = 1000  # a CJK letter is a square
_ELSE = 680  # a letter of any other script
_BY_WIDTH = {
    275: "'",
    278: "ijlìíîïĩīĭįı",
    295: "IJÌÍÎÏĨĪĬĮİ",
    318: ",. ·’\u00a0",
    337: "/:;\\|¦",
    352: "f",
    361: "-",
    390: "()[]",
    392: "tţťŧ",
    411: "!¡rŕŗř",
    460: '"',
    500: "*_`§¨¯°´¸–",
    521: "sśŝşš",
    531: "?¿zźżžг",
    537: "٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹",
    550: "cçćĉċčс०१२३४५६७८९",
    562: "LĹĻĽŁт₿",
    577: "Fkķ",
    592: "vxyýÿŷухвья•",
    605: "PÞк",
    612: "TYÝŢŤŸo«»ðòóôõöøōŏőоaàáâãäåāăąeèéêëēĕėęěе",
    636: "EÈÉÊËĒĖĘĚhnuñùúûüńňūůűbdgpqđğSŚŞŠр0123456789${}¢£¤¥µ¶€₹₽₺₫₦฿₱₡₸₮ßлип",
    659: "KĶн",
    685: "AVÀÁÂÃÄÅĀĂĄXZŹŻŽBRŔŘБА",
    698: "CÇĆČ",
    732: "UÙÚÛÜŪŮŰд",
    750: "NÑŃŇHм",
    775: "▲▼DĎGĞ&₪₴",
    787: "OQÒÓÔÕÖØŌŐ",
    838: "#+<=>^~¬±×÷−wŵ",
    863: "Mюфжш",
    982: "mæÆщ",
    1000: "%@©®—…W₩",
}
_WIDTHS = {letter: width for width, letters in _BY_WIDTH.items() for letter in letters}


@lru_cache(maxsize=4096)
def width(text: str, size: float) -> float:
    """The width of `text` at a font size, in the same unit."""
    return sum(map(_of, text)) * size / _EM


def _of(letter: str) -> int:
    known = _WIDTHS.get(letter)
    if known is not None:
        return known
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return _WIDE if unicodedata.east_asian_width(letter) in ("W", "F") else _ELSE
