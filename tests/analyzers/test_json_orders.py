from __future__ import annotations

import pytest

from analyzers.json_answer.orders import orders_json

ORDERS = """
Return JSON.
Answer in JSON: who was king?
Extract name and age as JSON: Bob is 5.
Respond only with valid JSON.
Output: JSON
Generate a JSON object with a name.
Convert this CSV to JSON: a,b
Turn this into JSON: a=1
Parse this into JSON: a=1
List three colours as JSON.
List three colours in JSON format.
Give me a JSON array of 3 colours.
Create a JSON with two users.
I need a JSON object that describes a cat.
I want the output in JSON.
Provide your answer in the following JSON format: {}
Return the JSON object only.
Your response must be a JSON object with the keys a and b.
The output should be formatted as JSON.
Classify the text. Use JSON format.
Summarize it. JSON only, no prose.
Say whether it is spam, valid JSON without a fence.
Gib mir das als JSON.
Bitte antworte im JSON-Format.
Responde en JSON.
Réponds uniquement en JSON.
"""
NO_ORDERS = """
Convert this JSON to YAML: {}
Convert JSON to XML: {}
Convert the following JSON into a CSV table: []
Extract the names from this JSON: {}
Extract the total from the JSON below and reply with just the number.
Output the first key of this JSON as plain text: {}
Give me a summary of the following JSON: {}
Give three advantages of JSON over XML.
Provide the difference between JSON and XML.
Answer the question: what is JSON?
Write an article comparing JSON and YAML.
Write a poem about JSON.
Write a TypeScript interface for this JSON: {}
Generate a Go struct from this JSON.
Send an email about the JSON outage.
Write a curl command that sends JSON.
Give me a command to format JSON.
Answer in plain text, not JSON.
Reply without JSON.
Respond in YAML rather than JSON.
Output a table, no JSON please.
Is this valid JSON?
Why is this not valid JSON.
Format: the JSON was broken. What happened?
"""


@pytest.mark.parametrize("text", ORDERS.strip().split("\n"))
def test_it_is_an_order_for_json(text: str) -> None:
    assert orders_json(text)


@pytest.mark.parametrize("text", NO_ORDERS.strip().split("\n"))
def test_json_that_is_only_spoken_of_is_not_ordered(text: str) -> None:
    assert not orders_json(text)
