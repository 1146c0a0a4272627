"""Whether a text orders an answer in JSON: "Return JSON", "List them as a JSON array", "It must be valid JSON".

An order begins a sentence or a clause with a verb of answering, and JSON is its form: it follows the verb itself,
or "in", "as", "to", "a" and the like. JSON that is what an order is about ("Convert this JSON to YAML", "Give three
advantages of JSON", "not JSON") is none, nor are questions and orders to write code. English, with some German,
Spanish and French.
"""

from __future__ import annotations

import re

_CLAUSE = r"(?:^|[.!?:;,\n][^\S\n]{0,20}|\b(?:and|then|please|must|should|always|only|just|und|bitte)\s{1,20})"
_VERB = (
    r"(?:return|respond|reply|answer|output|produce|give|provide|generate|emit|write|send|extract|convert|format|fill"
    r"|list|create|make|turn|parse|use|summari[sz]e|classify|translate|put|print|present|describe|show|tell|express)\b"
)
_OTHER_VERB = (
    r"(?:antworte|gib|gebe|gebt|geben|liefere|erzeuge|schreibe?|erstelle|liste"
    r"|responde|devuelve|genera|réponds?|renvoie|donne|retourne)\b"
)
_KIND = (
    r"(?:(?:valid|strict|raw|pure|proper|single|compact|minified|plain|flat|nested|well-formed|structured"
    r"|gültige[sn]?|valide[sn]?|reine[sn]?|válido)[ ,]{1,3})*"
)
_JSON = (
    r"json\b(?!\s{0,3}(?:file|parser|library|endpoint|api\b|column|web token|payloads? for|types?\b|to\b|into\b"
    r"|over\b|versus\b|vs\b|or\b|and (?:xml|yaml|csv)))"
)
_LINK = (
    r"(?:\b(?:as|in|into|to|using|with|via|be|only|just|strictly|solely|a|an|one|nothing but|als|im|mit|nur"
    r"|eine?n?|en|como|solo|un|au format|du|uniquement)\s{1,3}){1,5}"
)
_FORM = r"\bjson (?:format|structure|schema|shape|template|form|object with|array with)\b"
_ORDER = re.compile(
    # to the verb itself
    rf"{_CLAUSE}(?:{_VERB}|{_OTHER_VERB}):?\s{{1,3}}"
    rf"(?:(?:me|us|back|only|just|strictly|solely|nothing but|nur|mir|uns)\s{{1,3}}){{0,3}}{_KIND}{_JSON}"
    # as its form; what is only spoken of is told apart below
    rf"|{_CLAUSE}(?:{_VERB}|{_OTHER_VERB})(?P<what>[^.\n]{{0,100}}?){_LINK}{_KIND}{_JSON}"
    rf"|{_CLAUSE}{_VERB}(?P<how>[^.\n]{{0,100}}?)\b(?:in|as|into|using|with|to)"
    rf"\s(?:the|this|that)\s(?:following\s)?{_FORM}"
    rf"|{_CLAUSE}{_VERB}\s{{1,3}}(?:only\s)?the\s{_KIND}json(?: object| array| document| only){{0,2}}"
    r"\s{0,3}(?:[.!;\n]|$)"
    # as a demand
    r"|\b(?:must|should|has to|have to|needs? to|shall) (?:always |only |strictly )?be "
    rf"(?:formatted |returned |given |provided |sent )?(?:{_LINK})?{_KIND}{_JSON}"
    r"|\b(?:i|we) (?:want|need|would like|'d like) (?:(?:it|them|this|that|(?:the|your|an) (?:\w+ )?(?:output"
    rf"|answer|results?|response|list)) (?:in|as|to be) )?(?:an? )?{_KIND}{_JSON}"
    r"|(?<!not )\b(?:only|nothing but|valid|strict) json\b(?: (?:object|array|document|output|only)\b)?"
    r"\s{0,3}(?:[.!;,:\n]|$|(?:with|that|matching|containing|no|and nothing|without)\b)"
    r"|(?<!not )\bjson only\b",
    re.IGNORECASE,
)
_SPOKEN_OF = re.compile(
    r"\b(?:about|on|of|for|from|between|than|like|without|not|no|never|comparing|how|why|whether)\s{0,3}(?:an?\s|the\s)?$"
    r"|\b(?:function|script|code|class|program|endpoint|parser|query|example of|tutorial|essay|struct|interface"
    r"|command|one-liner|regex|snippet|python|javascript|typescript|java|rust|bash|curl|sql)\b",
    re.IGNORECASE,
)


def orders_json(text: str) -> bool:
    """Whether the answer to `text` is to be JSON."""
    if "json" not in text.casefold():  # most requests, and the search is slow; casefold as IGNORECASE folds
        return False
    return any(not _SPOKEN_OF.search(order["what"] or order["how"] or "") for order in _ORDER.finditer(text))
