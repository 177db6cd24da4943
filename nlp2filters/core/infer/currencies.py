"""Currencies: their marks in numbers and in headers, with the ISO 4217 code of each."""

_CURRENCY_CODES = (
    "USD EUR GBP JPY CNY INR CHF CAD AUD NZD SEK NOK DKK PLN CZK HUF RON RUB UAH BRL MXN ARS CLP ZAR KRW SGD HKD TWD "
    "THB IDR MYR PHP VND ILS AED SAR EGP NGN TRY COP PEN KES PKR BDT ISK BGN"
)
CURRENCY_MARKS = {
    "$": "USD",
    "US$": "USD",
    "€": "EUR",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "Rs": "INR",
    "Rs.": "INR",
    "C$": "CAD",
    "CA$": "CAD",
    "A$": "AUD",
    "AU$": "AUD",
    "NZ$": "NZD",
    "HK$": "HKD",
    "S$": "SGD",
    "R$": "BRL",
    "MX$": "MXN",
    "Fr.": "CHF",
    "zł": "PLN",
    "Kč": "CZK",
    "₽": "RUB",
    "₴": "UAH",
    "₩": "KRW",
    "฿": "THB",
    "₫": "VND",
    "₪": "ILS",
    "₺": "TRY",
    "₦": "NGN",
} | {code: code for code in _CURRENCY_CODES.split()}
# Several countries write their currency so.
AMBIGUOUS_MARKS = frozenset({"kr", "kr."})
