"""Between messages and text: the chat template (ChatML, tools as Hermes) and the way back."""

from __future__ import annotations

import json
import re
from typing import Any

from testbed.tasks.prompt import Message

END, START, STOP = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
CALL, CALL_END = "<tool_call>", "</tool_call>"

# Only name and parameters of a tool are shown: a short prompt is worth more here than a description.
TEMPLATE = """\
{%- if tools %}<|im_start|>system
Tools:
{% for tool in tools %}{{ {"name": tool.function.name, "parameters": tool.function.parameters} | tojson }}
{% endfor %}<|im_end|>
{% endif %}
{%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.content %}{{ message.content }}{% endif %}
{%- for call in message.tool_calls or [] %}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": \
{{ call.function.arguments if call.function.arguments is string else call.function.arguments | tojson }}}
</tool_call>{{ "" if loop.last else "\\n" }}{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""

_CALL = re.compile(rf"{CALL}\s*(.*?)\s*(?:{CALL_END}|$)", re.DOTALL)


def answer_text(message: Message) -> str:
    """The text that the model writes for an assistant message, as the template renders it."""
    calls = [
        f'{CALL}\n{{"name": "{called["name"]}", "arguments": {called["arguments"]}}}\n{CALL_END}'
        for called in (call["function"] for call in message.get("tool_calls") or ())
    ]
    return (message.get("content") or "") + "\n".join(calls)


def answer_message(text: str) -> Message:
    """The assistant message in what the model wrote: Hermes calls, or else the text as it stands."""
    calls: list[dict[str, Any]] = []
    for index, written in enumerate(_CALL.findall(text)):
        try:
            call = json.loads(written)
            function = {"name": call["name"], "arguments": json.dumps(call["arguments"])}
        except (ValueError, KeyError, TypeError):
            return {"role": "assistant", "content": text}
        calls.append({"id": f"call_{index}", "type": "function", "function": function})
    if not calls:
        return {"role": "assistant", "content": text}
    return {"role": "assistant", "content": text[: text.index(CALL)].strip() or None, "tool_calls": calls}
