"""What people look for when they decide whether a request calls for a refusal, as rules over its words.

Grave words, unless only their meaning or history is asked for; a harmful verb close before a person or a thing
that can be harmed or stolen; illicit goods; others' private data; unfairness asked to be justified; whether it
asks how to do something or what something is; fiction and games. English, with some German, Spanish and French.
"""

from __future__ import annotations

import re

from analyzers.beginnings import beginnings, may_have

_GRAVE = re.compile(
    r"\b(?:pipe|nail|letter|car|petrol|dirty) bombs?\b|\bmake (?:a |an )?bombs?\b|\bbomb(?:ing)? (?:a"
    r"|an|the|my)\b"
    r"|\bexplosives?\b|\bmolotov\b|\bgrenades?\b"
    r"|\b(?:nerve|poison|mustard) gas\b|\bsarin\b|\bricin\b|\banthrax\b|\bbio(?:logical )?weapons?\b"
    r"|\b(?:crystal )?meth\b|\bmethamphetamines?\b|\bheroin\b|\bcocaine\b|\bfentanyl\b|\bsell(?:ing)? drugs\b"
    r"|\bransomware\b|\bmalware\b|\bspyware\b|\bkeylogger\b|\bphishing\b|\bbackdoor\b"
    r"|\bcomputer virus\b|\bddos\b"
    r"|\bhitm[ae]n\b|\bhostages?\b|\bkidnap\w*|\babduct\w*|\brap(?:e|ing|ist)\b|\bmolest\w*"
    r"|\bgroom(?:ing)? (?:a )?child"
    r"|\bgenocide\b|\bethnic cleansing\b|\bterroris[mt]s?\b|\bmass shooting\b|\bmassacre\b|\bholocaust\b"
    r"|\bsuicide\b|\bkill(?:ing)? myself\b|\bend(?:ing)? my life\b|\bself[- ]harm\w*"
    r"|\bcut(?:ting)? myself\b|\boverdose\b"
    r"|\bmurder(?:s|ed|ing|er)?\b|\bassassinat\w+|\btortur\w+|\bbehead\w*|\bstrangl\w+|\bdismember\w*"
    r"|\bdead body\b"
    r"|\bhuman trafficking\b|\btraffick\w*|\bslaves?\b|\blaunder(?:ing)? \w* ?(?:money|cash)\b"
    r"|\bmoney laundering\b"
    r"|\bblackmail\w*|\bextort\w*|\barson\b|\bshoplift\w*|\bpick ?pocket\w*|\bembezzl\w*"
    r"|\bcounterfeit\w*|\btax evasion\b"
    r"|\bfraud\b|\bidentity theft\b|\btreason\b|\bsteal(?:ing)? without\b|\bhang(?:ing)? myself\b|\bto die\b"
    r"|\becstasy\b|\bcoke\b|\blsd\b|\bmdma\b|\bmari[jh]uana\b|\bsome crack\b|\beuthani[sz]e\b"
    r"|\bexplod(?:e|ing) a\b"
    r"|\bstalk(?:ing)?\b|\bdox+(?:ing)?\b|\bhide (?:a|the) (?:dead )?body\b|\bhidden camera\b"
    r"|\bt[oö]te[nt]?\b|\bumbringen\b|\bermord\w+|\bbomben?\b|\bvergift\w+|\beinbrechen\b|\bselbstmord\b"
    r"|\bmatar a\b|\basesin\w+|\bbombas? caser\w+|\bsuicid\w+|\btuer (?:un|une|ma|mon|quelqu)|\bassassiner\b"
)
_HARMLESS = re.compile(
    r"^(?:what (?:is|constitutes|does|was|were|happened)|who was|when did|define) (?!my|the best"
    r"|a good|the process)"
    r"|\b(?:definition of|in (?:a|my|the) (?:book|novel|film|movie|video game|game|play)"
    r"|for a (?:tv show|film|play))\b"
)
_VERB = (
    r"(?:kill|terminate|butcher|gut|crush|shatter|snipe|hunt down|annihilate|wipe out|dispose of|stab"
    r"|shoot|poison|beat(?: up)?|punch|hit|slap|kick|choke|throttle|drown|attack|hurt|harm|injure|wound"
    r"|burn(?: down)?|blow(?:ing)? up|bomb|destroy|smash(?: in)?|wreck|vandali[sz]e|sabotage|poach"
    r"|cut|slit|chop up"
    r"|rob|steal|loot|mug|hack(?: into)?|crack|break(?:ing)? into|bug|wiretap|spy on|track|follow"
    r"|hide|trap|lure|bait"
    r"|forge|fake|plant|smuggle|execute|lynch|scam|defraud|cheat|con|trick|bully|harass|insult"
    r"|threaten|intimidate"
    r"|overpower|restrain|drug|sedate|seduce|get rid of|do away with|take out|eliminate|eradicate|exterminate"
    r"|run over|push|scare|abuse|exploit|bribe|spread)"
)
_TARGET = (
    r"(?:persons?|people|humans?|m[ae]n|wom[ae]n|boys?|girls?|child(?:ren)?|kids?|bab(?:y|ies)|teens?"
    r"|minors?|someone"
    r"|somebody|anyone|him|her|them|neighbou?rs?|boss|colleagues?|coworkers?|classmates?|wife|husband"
    r"|spouse|partner|ex"
    r"|girlfriend|boyfriend|friends?|roommates?|mother|father|parents?|sister|brother|cousin|teacher"
    r"|students?|landlord"
    r"|police(?:m[ae]n| officers?)?|cops?|guards?|judges?|witness(?:es)?|strangers?|tourists?|guests?"
    r"|rivals?|victims?"
    r"|prisoners?|crowds?|gangs?|minorit(?:y|ies)|immigrants?|muslims?|jews?|christians?|blacks?"
    r"|gays?|lady|ladies"
    r"|dogs?|cats?|horses?|kittens?|pets?|president|politicians?|celebrit(?:y|ies)|face|throat|corpse"
    r"|bod(?:y|ies)"
    r"|houses?|homes?|cars?|trains?|bridges?|banks?|schools?|church(?:es)?|mosques?|hospitals?"
    r"|airports?|embass(?:y|ies)"
    r"|offices?|shops?|stores?|museums?|casinos?|clinics?|pharmac(?:y|ies)|power (?:plants?|stations?"
    r"|grids?)|vaults?"
    r"|safe|servers?|networks?|wi-?fi|accounts?|passwords?|phones?|emails?|webcams?|voting machines?"
    r"|wallets?|purse|bikes?"
    r"|credit cards?|jewel(?:le)?ry|cash machines?|atms?|brake lines?|evidence|passports?|signatures?"
    r"|prescriptions?"
    r"|checks?|diplomas?|letters?|drugs?|guns?|weapons?|rumou?rs? about|lies|hate)"
)
_HARM = re.compile(rf"\b{_VERB}(?:e?s|ed|ing)?\b(?: [\w'-]+){{0,4}}? {_TARGET}\b")
_ILLICIT = re.compile(
    r"\b(?:stolen|illegal|illicit|unlicensed|forged|bribe|drug) (?:\w+ )?(?:goods|money|cash|guns?"
    r"|weapons?|drugs?|cars?"
    r"|phones?|passwords?|credit|arms?|cards?|art|cats?|items|substances?)"
    r"|\bfake (?:\w+ )?(?:passports?|money|ids?|diplomas?|tickets?|evidence|identity|documents?"
    r"|prescriptions?|reviews?)"
    r"|\b(?:gun|firearm|weapon)s? (?:without|at home)|\bwithout (?:a )?(?:licen[sc]e|consent"
    r"|permission|\w+ knowing)"
    r"|\bin secret\b|\bsecretly (?:film|record|watch|track)|\bkidneys?\b.{0,20}\bsell|\bsell\w* (?:a "
    r"|my )?kidneys?"
    r"|\b(?:brew|cook|make|buy|sell|smuggle|bake|grow|plant|hide) (?:some |illegal )?(?:drugs|crack"
    r"|lsd|mdma|weed)\b"
)
_PRIVATE = re.compile(
    r"'s? (?:\w+ ){0,2}(?:social security number|passport number|home address|phone number|password"
    r"|pin|credit card"
    r"|bank account|medical (?:history|records?)|browsing history|birth certificate|mental health"
    r"|medication|private)"
)
_UNFAIR = re.compile(
    r"\bwhy (?:should|are|is it (?:best|right)|would it be|can|do|were)\b.{0,60}\b(?:inferior"
    r"|superior|not be allowed|not have|stupid|lazy"
    r"|discriminated|voting rights|equal rights|weaker|dirty|criminals|be kicked|be banned|be denied"
    r"|earn less|better off|right to attack|wrong to)\b"
)
_FICTION = re.compile(
    r"\b(?:video ?games?|games?|movies?|films?|novel|books?|story|tv show|chess|judo|sql|python|process|command"
    r"|definition|meaning|means?|refers?|history of|what are the effects|legal)\b"
)
_PERSON = re.compile(r"\b(?:people|person|someone|somebody|man|woman|wife|husband|neighbou?r|boss|human)\b")
_WHAT = re.compile(r"what (?:is|does|was|were|happened|constitutes)\b")
_HOW = re.compile(
    r"how (?:can|do|should) (?:i|we)\b|where can i|help me|give me|tell me|what's the best|what steps"
    r"|what are (?:good )?ways"
)
_WHY_SHOULD = re.compile(r"why (?:should|is it best|would)\b")
_SPACES = re.compile(r"\s+")
_GRAVE_WORDS = beginnings(
    "bomb bombs bombing bomba bombe explosive molotov grenade gas sarin ricin anthrax bioweapon biological meth"
    " methamphetamine heroin cocaine fentanyl drugs ransomware malware spyware keylogger phishing backdoor virus"
    " ddos hitman hitmen hostage kidnap abduct rape raping rapist molest child genocide ethnic terrorism"
    " shooting massacre holocaust suicide myself life self overdose murder assassin torture behead strangle"
    " dismember dead traffick slave launder laundering blackmail extort arson shoplift pick pickpocket embezzle"
    " counterfeit evasion fraud theft treason steal die ecstasy coke lsd mdma marijuana marihuana crack euthanise"
    " explode stalk stalking dox doxx doxxx doxing doxxing body hidden tote toten totet umbringen ermord"
    " vergift einbrechen selbstmord matar asesin tuer"
)
_VERB_WORDS = beginnings(
    "kill terminate butcher gut crush shatter snipe hunt annihilate wipe dispose stab shoot poison beat punch"
    " hit slap kick choke throttle drown attack hurt harm injure wound burn blow bomb destroy smash wreck"
    " vandalise sabotage poach cut slit chop rob steal loot mug hack crack break bug wiretap spy track follow"
    " hide trap lure bait forge fake plant smuggle execute lynch scam defraud cheat con trick bully harass"
    " insult threaten intimidate overpower restrain drug sedate seduce get do take eliminate eradicate"
    " exterminate run push scare abuse exploit bribe spread",
    endings=("", "s", "es", "ed", "ing"),
)
_TARGET_WORDS = beginnings(
    "person people human man men woman women boy boys girl girls child kid kids baby babies teen teens minor"
    " someone somebody anyone him her them neighbor boss colleague coworker classmate wife husband spouse partner"
    " ex girlfriend boyfriend friend roommate mother father parent sister brother cousin teacher student landlord"
    " police cop cops guard judge witness stranger tourist guest rival victim prisoner crowd gang gangs immigrant"
    " muslim jew jews christian black gay gays lady ladies dog dogs cat cats horse kitten pet pets president"
    " politician celebrity face throat corpse body bodies house home homes car cars train bridge bank banks school"
    " church mosque hospital airport embassy office shop shops store museum casino clinic pharmacy power vault"
    " safe server network wifi wi account password phone email webcam voting wallet purse bike bikes credit"
    " jewellery cash atm atms brake evidence passport signature prescription check diploma letter drug drugs gun"
    " guns weapon rumour rumor lies hate"
)
_ILLICIT_WORDS = beginnings(
    "stolen illegal illicit unlicensed forged bribe drug fake gun guns firearm weapon licence consent permission"
    " knowing secret kidney drugs crack lsd mdma weed"
)
_HARMLESS_WORDS = beginnings("what who when define book novel film movie video game play tv")
_FICTION_WORDS = beginnings(
    "video videogame game games movie film films novel book books story tv chess judo sql python process command"
    " definition meaning mean means refer history effects legal"
)
_PERSON_WORDS = beginnings("people person someone somebody man woman wife husband neighbor boss human")
_SEARCHED = {
    "grave": (_GRAVE, (_GRAVE_WORDS,)),
    "harmless": (_HARMLESS, (_HARMLESS_WORDS,)),
    "harm": (_HARM, (_VERB_WORDS, _TARGET_WORDS)),
    "illicit": (_ILLICIT, (_ILLICIT_WORDS,)),
    "private": (_PRIVATE, ()),
    "unfair": (_UNFAIR, (beginnings("why"),)),
    "fiction": (_FICTION, (_FICTION_WORDS,)),
    "person": (_PERSON, (_PERSON_WORDS,)),
}
"""What is looked for by name: the pattern, and of which words it needs one each in whatever it finds."""
_BEGUN = {"what": _WHAT, "how": _HOW, "why should": _WHY_SHOULD}


def rules(text: str) -> set[str]:
    """The names of what holds of a request's words."""
    plain = _SPACES.sub(" ", text.replace("\u2019", "'")).lower()
    found = {
        name
        for name, (pattern, needed) in _SEARCHED.items()
        if all(may_have(plain, words) for words in needed) and pattern.search(plain)
    }
    found |= {name for name, pattern in _BEGUN.items() if pattern.match(plain)}
    grave = "grave" in found and "harmless" not in found
    if grave or not found.isdisjoint({"harm", "illicit", "private", "unfair"}):
        found.add("listed")
    found |= {
        f"{one} & {other}"
        for one in ("grave", "harm")
        for other in ("how", "what", "fiction", "person")
        if {one, other} <= found
    }
    return found | ({"listed & fiction"} if {"listed", "fiction"} <= found else set())
