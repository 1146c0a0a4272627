"""Request bodies of the OpenAI API with vLLM's extensions, checked, and what they ask of the engine."""

from __future__ import annotations

import secrets
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from testbed.engine.errors import bad_body, bad_value
from testbed.engine.grammar import Constraint, GrammarError, Grammars
from testbed.engine.sampling import SamplingParams

MAX_LOGPROBS = 20
MAX_CHOICES = 16
INT64 = 2**63


class StreamOptions(BaseModel):
    """What a stream carries beside its chunks."""

    include_usage: bool | None = False
    continuous_usage_stats: bool | None = False


class _Request(BaseModel):
    """What chat and completions have in common. Unknown fields are let through and ignored."""

    model_config = ConfigDict(extra="allow")

    model: str | None = None
    n: int | None = 1
    seed: int | None = Field(None, ge=-INT64, lt=INT64)
    stop: str | list[str] | None = None
    stream: bool | None = False
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_token_ids: list[int] | None = None
    include_stop_str_in_output: bool = False
    ignore_eos: bool = False
    skip_special_tokens: bool = True
    prompt_logprobs: int | None = None
    response_format: dict[str, Any] | None = None
    structured_outputs: dict[str, Any] | None = None
    return_token_ids: bool | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    logit_bias: dict[str, float] | None = None
    min_p: float | None = None
    min_tokens: int = 0
    bad_words: list[str] | None = None
    use_beam_search: bool = False

    def stops(self) -> list[str]:
        """The stop strings as a list. Raises ApiError for an empty one."""
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        if "" in stops:
            raise bad_value("stop cannot contain an empty string.")
        return stops

    def sampling(self, *, max_tokens: int, logprobs: int | None, prompt_logprobs: int | None) -> SamplingParams:
        """The sampling parameters, with a fresh seed where none is given. Raises ApiError."""
        temperature = 1.0 if self.temperature is None else self.temperature
        top_p = 1.0 if self.top_p is None else self.top_p
        top_k = self.top_k or 0
        if not temperature >= 0:
            raise bad_value(f"temperature must be non-negative, got {temperature}.", "temperature", temperature)
        if not temperature <= 2:
            raise bad_value(f"temperature must be in [0, 2], got {temperature}.", "temperature", temperature)
        if not 0 < top_p <= 1:
            raise bad_value(f"top_p must be in (0, 1], got {top_p}.", "top_p", top_p)
        if top_k < -1:
            raise bad_value(f"top_k must be 0 (disable), or at least 1, got {top_k}.")
        if max_tokens < 1:
            raise bad_value(f"max_tokens must be at least 1, got {max_tokens}.", "max_tokens", max_tokens)
        for kind, count in (("logprobs", logprobs), ("prompt_logprobs", prompt_logprobs)):
            if count is not None and count > MAX_LOGPROBS:
                said = "sample logprobs" if kind == "logprobs" else "prompt logprobs"
                message = f"Requested {said} of {count}, which is greater than max allowed: {MAX_LOGPROBS}"
                raise bad_value(message, kind, count)
        return SamplingParams(
            seed=secrets.randbits(63) if self.seed is None else self.seed,
            temperature=temperature,
            top_p=top_p,
            top_k=max(top_k, 0),
            max_tokens=max_tokens,
            ignore_eos=self.ignore_eos,
            logprobs=logprobs,
            prompt_logprobs=prompt_logprobs,
            stop_ids=frozenset(self.stop_token_ids or ()),
        )

    def check(self) -> None:
        """Refuse what contradicts itself and what this engine does not do. Raises ApiError."""
        if self.stream_options and not self.stream:
            message = "Stream options can only be defined when `stream=True`."
            raise bad_value(message, "stream_options")
        if self.prompt_logprobs is not None and self.prompt_logprobs < 0:
            message = "`prompt_logprobs` must be a positive value or -1."
            raise bad_value(message, "prompt_logprobs", self.prompt_logprobs)
        if self.prompt_logprobs and self.stream:
            message = "`prompt_logprobs` are not available when `stream=True`."
            raise bad_value(message, "prompt_logprobs")
        choices = 1 if self.n is None else self.n
        if choices < 1:
            raise bad_value(f"n must be at least 1, got {choices}.")
        if choices > MAX_CHOICES:
            raise bad_value(f"n must be at most {MAX_CHOICES}, got {choices}.")
        if choices > 1 and self.temperature == 0:
            raise bad_value(f"n must be 1 when using greedy sampling, got {choices}.")
        neutral = {"repetition_penalty": (None, 1.0), "use_beam_search": (False,)}
        for name in (
            "frequency_penalty",
            "presence_penalty",
            "repetition_penalty",
            "logit_bias",
            "min_p",
            "min_tokens",
            "bad_words",
            "use_beam_search",
        ):
            if getattr(self, name) not in neutral.get(name, (None, 0, {}, [])):
                raise bad_value(f"`{name}` is not supported by this engine.", name)

    def constraint(self, grammars: Grammars) -> Constraint | None:
        """What `structured_outputs` or `response_format` demand. Raises ApiError for a bad grammar."""
        try:
            return _structured(grammars, self.structured_outputs) or _formatted(grammars, self.response_format)
        except GrammarError as error:
            raise bad_value(f"Invalid grammar specification: {error}") from error


class ChatRequest(_Request):
    """`POST /v1/chat/completions`."""

    messages: list[dict[str, Any]]
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    logprobs: bool | None = False
    top_logprobs: int | None = 0
    tools: list[dict[str, Any]] | None = None
    tool_choice: Literal["none", "auto", "required"] | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = True
    add_generation_prompt: bool = True
    continue_final_message: bool = False
    chat_template_kwargs: dict[str, Any] | None = None

    def check(self) -> None:
        """As for every request, and that tools and log-probabilities are asked for consistently."""
        super().check()
        top = self.top_logprobs or 0
        if top < 0:
            raise bad_value("`top_logprobs` must be a positive value or -1.", "top_logprobs", top)
        if top and not self.logprobs:
            message = "when using `top_logprobs`, `logprobs` must be set to true."
            raise bad_value(message, "top_logprobs")
        if self.continue_final_message:
            raise bad_value("`continue_final_message` is not supported by this engine.", "continue_final_message")
        for turn in self.messages:
            if not isinstance(turn.get("role"), str):
                raise bad_value("Every message must have a `role`.", "messages")
        self._check_tools()

    def _check_tools(self) -> None:
        if self.tools == []:
            message = (
                "`tools` must not be an empty array. Either provide at least one tool or omit the field entirely."
            )
            raise bad_value(message, "tools")
        for tool in self.tools or []:
            if not isinstance(tool.get("function"), dict) or not isinstance(tool["function"].get("name"), str):
                raise bad_value("Every tool must have a `function` with a `name`.", "tools")
        if self.tool_choice in (None, "none"):
            return
        if self.tools is None:
            raise bad_value("When using `tool_choice`, `tools` must be set.", "tool_choice")
        if self.named_tool is not None and not self._chosen():
            message = "The tool specified in `tool_choice` does not match any of the specified `tools`"
            raise bad_value(message, "tool_choice")

    @property
    def named_tool(self) -> str | None:
        """The one function that must be called; an empty name where the choice names none."""
        if not isinstance(self.tool_choice, dict):
            return None
        function = self.tool_choice.get("function")
        return str(function.get("name") or "") if isinstance(function, dict) else ""

    @property
    def parses_tools(self) -> bool:
        """Whether calls are looked for in the answer: with tools, unless they are switched off."""
        return self.tools is not None and self.tool_choice != "none"

    @property
    def must_call(self) -> bool:
        """Whether the answer has to be a tool call."""
        return self.tool_choice == "required" or self.named_tool is not None

    def _chosen(self) -> list[dict[str, Any]]:
        named = self.named_tool
        return [tool for tool in self.tools or [] if named is None or tool["function"]["name"] == named]

    def constraint(self, grammars: Grammars) -> Constraint | None:
        """A call of the required tools, before any other constraint."""
        if not self.must_call:
            return super().constraint(grammars)
        several = self.named_tool is None and self.parallel_tool_calls is not False
        try:
            return grammars.tool_call(self._chosen(), parallel=several)
        except GrammarError as error:
            raise bad_value(f"Invalid grammar specification: {error}", "tools") from error


class CompletionRequest(_Request):
    """`POST /v1/completions`."""

    prompt: str | list[int] | list[str] | list[list[int]]
    max_tokens: int | None = 16
    logprobs: int | None = None
    echo: bool | None = False

    def check(self) -> None:
        """As for every request, and that there is something to complete."""
        super().check()
        if self.prompt in ("", []):
            message = "Either prompt or prompt_embeds must be provided and non-empty."
            raise bad_value(message, "prompt")
        if self.logprobs is not None and self.logprobs < 0:
            raise bad_value("`logprobs` must be a positive value or -1.", "logprobs", self.logprobs)

    def prompts(self) -> list[str] | list[list[int]]:
        """Every prompt of the request, as given."""
        if isinstance(self.prompt, str):
            return [self.prompt]
        if isinstance(self.prompt[0], int):
            return [self.prompt]
        return self.prompt


class TokenizeRequest(BaseModel):
    """`POST /tokenize`, of a text or of a conversation."""

    model: str | None = None
    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None
    tools: list[dict[str, Any]] | None = None
    add_generation_prompt: bool = True
    return_token_strs: bool | None = False


R = TypeVar("R", bound=BaseModel)


def parse(kind: type[R], body: bytes) -> R:
    """Read a body as JSON of that kind. Raises ApiError with every fault found."""
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        found = [{**e, "loc": _location(e["loc"])} for e in error.errors(include_url=False)]
        raise bad_body(found) from error


def _location(loc: tuple[int | str, ...]) -> str:
    """A dotted path below `body`, without pydantic's names for the branches of a union."""
    shown = [str(part) for part in loc if part not in ("str", "int") and "[" not in str(part)]
    return ".".join(["body", *shown])


def _structured(grammars: Grammars, wanted: dict[str, Any] | None) -> Constraint | None:
    given = {key: value for key, value in (wanted or {}).items() if value not in (None, False)}
    if not given:
        return None
    if len(given) > 1:
        kinds = "'json', 'regex' or 'choice'"
        raise bad_value(f"You can only use one kind of constraints for structured outputs ({kinds}).")
    ((kind, value),) = given.items()
    match kind:
        case "json":
            return grammars.json_schema(value)
        case "json_object":
            return grammars.json_object()
        case "regex":
            return grammars.regex(value)
        case "choice":
            return grammars.choice(value)
        case "grammar":
            return grammars.lark(value)
        case _:
            message = f"structured_outputs of kind `{kind}` is not supported by this engine."
            raise bad_value(message, "structured_outputs")


def _formatted(grammars: Grammars, wanted: dict[str, Any] | None) -> Constraint | None:
    match (wanted or {}).get("type", "text"):
        case "text":
            return None
        case "json_object":
            return grammars.json_object()
        case "json_schema":
            schema = ((wanted or {}).get("json_schema") or {}).get("schema")
            if schema is None:
                message = "When response_format type is 'json_schema', the 'json_schema' field must be provided."
                raise bad_value(message, "response_format")
            return grammars.json_schema(schema)
        case other:
            raise bad_value(
                f"response_format of type `{other}` is not supported by this engine.", "response_format"
            )


def fit(prompt: list[int], asked: int | None, context: int, *, param: str = "max_tokens") -> int:
    """How many tokens may be generated after `prompt`. Raises ApiError where the context is too short."""
    if asked is not None and asked > context:
        message = f"{param}={asked} cannot be greater than max_model_len={context}. "
        raise bad_value(message + "Please request fewer output tokens.", param, asked)
    room = context - len(prompt)
    if room < 1:
        message = (
            f"This model's maximum context length is {context} tokens. However, your prompt contains "
            f"{len(prompt)} input tokens, which exceeds this limit even without any output tokens. "
            "Please reduce the length of the input prompt."
        )
        raise bad_value(message, "input_tokens", len(prompt))
    return room if asked is None else min(asked, room)
