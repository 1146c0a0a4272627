from __future__ import annotations

import pytest

from analyzers.language import Language
from analyzers.language.asked import languages
from analyzers.language.identify import identify
from analyzers.pair import Request
from tests.analyzers.exchanges import CHAT, ask, said

SAYINGS = {
    "en": "The train leaves at nine and we should be there before it rains.",
    "de": "Der Zug fährt um neun und wir sollten da sein, bevor es regnet.",
    "fr": "Le train part à neuf heures et nous devrions être là avant la pluie.",
    "es": "El tren sale a las nueve y tenemos que estar en la estación antes de la lluvia.",
    "it": "Il treno parte alle nove e dobbiamo essere in stazione prima che piova.",
    "pt": "O trem sai às nove e nós precisamos estar na estação antes da chuva.",
    "nl": "De trein vertrekt om negen uur en we moeten er zijn voor het regent.",
    "sv": "Tåget går klockan nio och vi måste vara där innan det börjar regna.",
    "pl": "Pociąg odjeżdża o dziewiątej i nie możemy się spóźnić, bo będzie padać.",
    "tr": "Tren saat dokuzda kalkıyor ve yağmur yağmadan orada olmak için bir taksi gerek.",
    "zh": "火车九点开，我们应该在下雨之前到车站。",
    "ja": "列車は九時に出るので、雨が降る前に駅に着くべきです。",
    "ko": "기차는 아홉 시에 떠나니 비가 오기 전에 역에 가야 합니다.",
    "ru": "Поезд отходит в девять, и нам надо быть там до дождя.",
    "el": "Το τρένο φεύγει στις εννέα και πρέπει να είμαστε εκεί πριν βρέξει.",
    "ar": "يغادر القطار في الساعة التاسعة ويجب أن نكون هناك قبل المطر.",
    "he": "הרכבת יוצאת בתשע ואנחנו צריכים להיות שם לפני הגשם.",
    "hi": "रेलगाड़ी नौ बजे जाती है और हमें बारिश से पहले वहाँ होना चाहिए।",
    "th": "รถไฟออกเก้าโมงและเราควรไปถึงก่อนฝนตก",
}


@pytest.mark.parametrize(("language", "text"), SAYINGS.items())
def test_a_plain_sentence_says_its_language(language: str, text: str) -> None:
    assert identify(text) == language


@pytest.mark.parametrize(
    "text", ["", "42", "Oslo", "Mozart, Wien, 1791", "x = f(a, b)", "```\nthe a of it is\n```"]
)
def test_what_is_not_plain_has_no_language(text: str) -> None:
    assert identify(text) is None


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("What is the capital of Italy?", {"en"}),
        ("Was ist die Hauptstadt von Italien?", {"de"}),
        ("What is the capital of Italy? Answer in French.", {"fr"}),
        ("Was ist das? Bitte auf Englisch.", {"en"}),
        ("Réponds en espagnol: quelle est la capitale de la France?", {"es"}),
        ("Translate this to Spanish: the dog is in the house", {"es", "en"}),
        ("How do you say dog in Polish?", {"pl", "en"}),
        ("Please tell me how to polish the table.", {"en"}),
        ("What is the role of wine in French history?", {"en"}),
        ("Please write about the meaning of tattoos in Japanese culture.", {"en"}),
        ("Please write in Japanese about the meaning of tattoos.", {"ja"}),
        ("Write a short email in German to my landlord.", {"de"}),
        ("Oslo?", set()),
        ("Return only JSON with the name of the city.", set()),
        ("Write a Python function that adds two numbers.", set()),
    ],
)
def test_the_request_tells_the_language(prompt: str, expected: set[str]) -> None:
    assert languages(ask(prompt)) == expected


def test_the_system_may_name_the_language() -> None:
    messages = [
        {"role": "system", "content": "Always answer in German."},
        {"role": "user", "content": "Who is it?"},
    ]
    assert languages(Request(CHAT, {"messages": messages})) == {"de"}


def test_tools_and_embeddings_have_no_language() -> None:
    tool = {"type": "function", "function": {"name": "f"}}
    assert languages(ask("What is the weather in the city?", tools=[tool])) == frozenset()
    assert languages(Request("/v1/embeddings", {"input": "What is the capital of Italy?"})) == frozenset()


@pytest.mark.parametrize("asked", ["en", "de", "zh", "ja", "ru"])
@pytest.mark.parametrize(("language", "text"), SAYINGS.items())
def test_another_language_fails(asked: str, language: str, text: str) -> None:
    score = Language().failure(ask(SAYINGS[asked]), said(text))
    assert (score.failed == 0) == (asked == language)


@pytest.mark.parametrize(
    "text", ["Oslo.", "42", "", "Sure: `el perro`", "Она, Ivan, said that it is the best of all."]
)
def test_a_name_or_a_foreign_word_is_no_other_language(text: str) -> None:
    assert Language().failure(ask(SAYINGS["en"]), said(text)).failed == 0


def test_names_of_software_stand_in_every_script() -> None:
    text = (
        "Для этого возьмите библиотеку requests: requests.get('https://example.com').json(), затем разберите ответ."
    )
    assert Language().failure(ask(SAYINGS["ru"]), said(text)).failed == 0


def test_an_answer_that_slides_into_another_script_fails() -> None:
    score = Language().failure(ask(SAYINGS["en"]), said("The train leaves at nine and 我们应该在下雨之前到车站"))
    assert (score.failed, score.label) == (1.0, "script")
