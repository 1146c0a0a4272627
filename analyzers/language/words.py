"""Function words of ten languages in Latin letters, and the scripts of others: what tells languages apart.

The words are among each language's most frequent and say nothing about a topic. One that several languages share
speaks for each of them.
"""

from __future__ import annotations

_WORDS = {
    "en": "the a an of to and in is are was were be been it this that these those for on with as by at from or not"
    " have has had he she they we you i his her their its my your can will would should could do does did there"
    " what which who when where how why if but so because than then also into about some any all no more most",
    "de": "der die das den dem des ein eine einen einem einer und ist sind war waren sein es dies diese dieser für"
    " auf mit als von zu im in nicht haben hat hatte er sie wir ihr ich du mein dein kann wird würde sollte werden"
    " was welche wer wann wo wie warum wenn aber weil auch aus über nach bei nur noch oder man sich zum zur am"
    " bitte danke heißt lautet",
    "fr": "le la les un une des du de et est sont était être il elle ils elles nous vous je tu on ce cette ces pour"
    " sur avec comme par dans ne pas plus ont avoir son sa ses leur mon ma mes votre peut sera que qui quoi quand"
    " où comment pourquoi si mais donc parce aussi au aux très tout tous même ou quel quelle",
    "es": "el la los las un una unos unas de del y es son era ser está están él ella ellos nosotros usted yo tú"
    " este esta estos estas para sobre con como por en no más han ha su sus mi tu puede será que quién qué cuál"
    " cuándo dónde cómo si pero porque también al muy todo todos lo se o hay",
    "it": "il lo la i gli le un uno una di del della dei delle e è sono era essere lui lei noi voi io tu questo"
    " questa questi per su con come da in nel nella non più hanno ha suo sua mio puoi può sarà che chi cosa quale"
    " quando dove perché se ma anche al alla molto tutto tutti si o ci dello degli",
    "pt": "o a os as um uma uns umas de do da dos das e é são era ser está estão ele ela eles nós você eu este esta"
    " isto para sobre com como por em no na nos nas às não mais têm tem seu sua meu minha pode será que quem qual"
    " quando onde se mas porque também ao à muito tudo todos ou há pelo pela",
    "nl": "de het een en van in is zijn was waren er dit dat deze die voor op met als door aan uit of niet heb"
    " heeft hebben hij zij ze wij we jij je u ik mijn uw kan zal zou moet worden wordt wat welke wie wanneer waar"
    " hoe waarom maar omdat ook naar bij nog te om over geen meer",
    "sv": "och att det som en ett är var av för på med den de i till inte har hade han hon vi ni jag du min din kan"
    " ska skulle om men eller när där hur varför vad vilken från också så här ut efter bara mycket alla denna"
    " dessa blir vara sig sin",
    "pl": "i w na z do nie się jest są był była być to ten ta te dla o od po za przez jak że co kto kiedy gdzie"
    " dlaczego czy ale bo też już tylko jego jej ich mój można może będzie ma który która które oraz lub przy ze"
    " jako tak",
    "tr": "ve bir bu da de için ile mi mı ne gibi daha çok var yok ben sen o biz siz onlar olarak olan kadar sonra"
    " ama veya ise değil nasıl neden nerede hangi her en şey olduğu tarafından göre ancak çünkü ya ki",
}
LANGUAGES_OF: dict[str, tuple[str, ...]] = {}
"""Word to the languages that it speaks for."""
for _language, _words in _WORDS.items():
    for _word in _words.split():
        LANGUAGES_OF[_word] = (*LANGUAGES_OF.get(_word, ()), _language)

SCRIPTS = {
    "han": "\u3400-\u4dbf\u4e00-\u9fff",
    "kana": "\u3040-\u30ff",
    "hangul": "\u1100-\u11ff\uac00-\ud7a3",
    "cyrillic": "\u0400-\u052f",
    "greek": "\u0370-\u03ff",
    "arabic": "\u0600-\u06ff\u0750-\u077f",
    "hebrew": "\u0590-\u05ff",
    "devanagari": "\u0900-\u097f",
    "thai": "\u0e00-\u0e7f",
}
"""Letters of the scripts told apart, as in a regular expression's brackets; all else counts as Latin."""

SCRIPTS_OF = {
    "zh": frozenset({"han"}),
    "ja": frozenset({"han", "kana"}),
    "ko": frozenset({"hangul", "han"}),
    "ru": frozenset({"cyrillic"}),
    "uk": frozenset({"cyrillic"}),
    "el": frozenset({"greek"}),
    "ar": frozenset({"arabic"}),
    "fa": frozenset({"arabic"}),
    "he": frozenset({"hebrew"}),
    "hi": frozenset({"devanagari"}),
    "th": frozenset({"thai"}),
}
"""The scripts of languages that are not written in Latin letters."""

NAMES = {
    "en": "english englisch anglais inglés inglese inglês",
    "de": "german deutsch allemand alemán tedesco alemão",
    "fr": "french französisch français francés francese francês",
    "es": "spanish spanisch espagnol español spagnolo espanhol",
    "it": "italian italienisch italien italiano",
    "pt": "portuguese portugiesisch portugais portugués portoghese português",
    "nl": "dutch niederländisch néerlandais nederlands",
    "sv": "swedish schwedisch suédois svenska",
    "pl": "polish polnisch polonais polski",
    "tr": "turkish türkisch turc türkçe",
    "zh": "chinese mandarin chinesisch chinois chino 中文",
    "ja": "japanese japanisch japonais japonés 日本語",
    "ko": "korean koreanisch coréen coreano 한국어",
    "ru": "russian russisch russe ruso русском",
    "uk": "ukrainian ukrainisch",
    "el": "greek griechisch grec griego",
    "ar": "arabic arabisch arabe árabe",
    "fa": "persian farsi",
    "he": "hebrew hebräisch",
    "hi": "hindi",
    "th": "thai",
}
"""How people call a language, in some of them."""
LANGUAGE_NAMED = {name: language for language, names in NAMES.items() for name in names.split()}
