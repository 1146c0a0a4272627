"""What must hold between keys: distinct addresses, secrets that are set, names that exist.

These look at the raw document, so that they still speak where other keys are wrong; what cannot be read is skipped
here, since the model has reported it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from typing import Any, TypeVar

from pydantic import ValidationError

from analyzers.finding import Analyzer
from analyzers.registry import AnalyzerError
from proxy.address import Address, parse_address, parse_url
from proxy.config import ArmTls, Config, Tls
from proxy.control.guardrails import guardrails_of
from proxy.tls import TlsError, arm_context, listen_tls

S = TypeVar("S", Tls, ArmTls)
_MISSING = object()


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a configuration: where, what was found and what would be right."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


def check(
    tree: Mapping[Any, Any], environ: Mapping[str, str], analyzers: Mapping[str, Analyzer | AnalyzerError]
) -> Iterator[Problem]:
    """Every problem between keys. `analyzers` are those installed, or why one cannot be used."""
    yield from _addresses(tree)
    yield from _secrets(tree, environ)
    yield from _exposure(tree)
    yield from _arms(tree)
    yield from _files(tree)
    yield from _names(tree, analyzers)
    yield from _stages(tree)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint for a misspelt name, ready to append; the list of names where none is close."""
    names = sorted(known)
    if close := difflib.get_close_matches(name, names, n=1):
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(names)}" if names else "nothing is known here"


def _value(tree: Any, path: str) -> Any:
    """The value at `path`, from the document or else from the model's defaults; `_MISSING` where neither has it."""
    section: Any = Config
    for step in path.split("."):
        field = section.model_fields[step] if section is not None else None
        tree = tree.get(step, _MISSING) if isinstance(tree, Mapping) else _MISSING
        if tree is _MISSING and field is not None and not field.is_required():
            tree = field.default
        if hasattr(tree, "model_dump"):
            tree = tree.model_dump()
        section = getattr(field, "annotation", None)
        section = section if hasattr(section, "model_fields") else None
    return tree


def _addresses(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    found = [*_listeners(tree), *_servers(tree, "baseline"), *_servers(tree, "candidate")]
    for (one, first), (other, second) in combinations(found, 2):
        if not first.meets(second):
            continue
        if other == "admin.listen":
            yield Problem(other, f"{second} is taken by {one} ({first}); give the two ports different numbers")
        elif one in ("listen", "admin.listen"):
            yield Problem(
                other, f"{second} is our own port ({one}), a loop; give the address of the model's server"
            )
        elif one.partition(".")[0] == other.partition(".")[0]:
            yield Problem(other, f"{second} stands in {one} already; keep one")
        elif not _same_server_is_meant(tree):
            yield Problem(
                other,
                f"{second} is the baseline's server too; give another server, or "
                f"name a different model on each arm in models",
            )


def _listeners(tree: Mapping[Any, Any]) -> Iterator[tuple[str, Address]]:
    for path in ("listen", "admin.listen"):
        value = _value(tree, path)
        if isinstance(value, str):
            with suppress(ValueError):
                yield path, parse_address(value)


def _servers(tree: Mapping[Any, Any], arm: str) -> Iterator[tuple[str, Address]]:
    """The readable addresses of an arm's servers, each with its path."""
    value = _value(tree, f"{arm}.url")
    urls = enumerate(value) if isinstance(value, (list, tuple)) else [("", value)]
    for index, url in urls:
        if isinstance(url, str):
            with suppress(ValueError):
                yield f"{arm}.url.{index}".rstrip("."), parse_url(url).address


def _same_server_is_meant(tree: Mapping[Any, Any]) -> bool:
    """One server may be both arms where it serves them under two names, as vLLM does with LoRA adapters."""
    models = tree.get("models")
    if not isinstance(models, Mapping) or not models:
        return False
    for name, arms in models.items():
        names = arms if isinstance(arms, Mapping) else {}
        if (names.get("baseline") or name) == (names.get("candidate") or name):
            return False
    return True


def _secrets(tree: Mapping[Any, Any], environ: Mapping[str, str]) -> Iterator[Problem]:
    for path in ("baseline.api_key_env", "candidate.api_key_env", "session.salt_env", "admin.viewer_token_env"):
        variable = _value(tree, path)
        if not isinstance(variable, str):
            continue
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]*", variable):
            # What stands here may be the secret itself, so it is not repeated.
            yield Problem(
                path, "should be the name of an environment variable, such as MY_API_KEY, not the secret itself"
            )
        elif not environ.get(variable):
            yield Problem(path, f"the environment variable {variable} is not set; set it, or leave the key out")


def _exposure(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    listen, token = _value(tree, "admin.listen"), _value(tree, "admin.viewer_token_env")
    try:
        address = parse_address(listen) if isinstance(listen, str) else None
    except ValueError:
        return
    if address and not address.is_loopback and token in (None, _MISSING):
        yield Problem(
            "admin.listen",
            f"{address} is reachable from outside; name a token in admin.viewer_token_env, or listen on 127.0.0.1",
        )


def _arms(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    for arm in ("baseline", "candidate"):
        pause, most = _value(tree, f"{arm}.ejection.pause"), _value(tree, f"{arm}.ejection.max_pause")
        if isinstance(pause, (int, float)) and isinstance(most, (int, float)) and pause > most:
            yield Problem(f"{arm}.ejection.max_pause", f"found {most:g}, should be no less than pause, {pause:g}")
        url = _value(tree, f"{arm}.url")
        if any(str(each).startswith("https://") for each in (url if isinstance(url, (list, tuple)) else [url])):
            continue
        for key, field in ArmTls.model_fields.items():
            if _value(tree, f"{arm}.tls.{key}") != field.default:
                yield Problem(f"{arm}.tls.{key}", f"has no use, since {arm}.url is not https; change one of them")


def _files(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    yield from _certificates(tree, "tls", Tls, listen_tls)
    yield from _certificates(tree, "baseline.tls", ArmTls, arm_context)
    yield from _certificates(tree, "candidate.tls", ArmTls, arm_context)


def _certificates(
    tree: Mapping[Any, Any], section: str, model: type[S], use: Callable[[S], object]
) -> Iterator[Problem]:
    """What is wrong with the files that a TLS section names."""
    found = {key: _value(tree, f"{section}.{key}") for key in model.model_fields}
    try:
        tls = model(**found)
    except ValidationError:
        return
    for one, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if found[one] and not found[other]:
            yield Problem(f"{section}.{one}", f"needs {section}.{other} beside it")
    try:
        use(tls)
    except TlsError as error:
        yield Problem(f"{section}.{error.key}", error.message)


def _names(tree: Mapping[Any, Any], analyzers: Mapping[str, Analyzer | AnalyzerError]) -> Iterator[Problem]:
    enabled = _value(tree, "analysis.enabled")
    enabled = [name for name in enabled if isinstance(name, str)] if isinstance(enabled, (list, tuple)) else []
    for index, name in enumerate(enabled):
        path = f"analysis.enabled.{index}"
        if name not in analyzers:
            yield Problem(path, f"no analyzer is named {name!r}; {did_you_mean(name, analyzers)}")
        elif isinstance(broken := analyzers[name], AnalyzerError):
            yield Problem(path, str(broken))
        elif name in enabled[:index]:
            yield Problem(path, f"{name!r} stands here twice; keep one")
    usable = {name: found for name, found in analyzers.items() if not isinstance(found, AnalyzerError)}
    known = guardrails_of(variable for found in usable.values() for variable in found.variables)
    fed = guardrails_of(variable for name in enabled if name in usable for variable in usable[name].variables)
    listed = tree.get("guardrails")
    for name in listed if isinstance(listed, Mapping) else ():
        if str(name) not in known:
            yield Problem(f"guardrails.{name}", f"no such guardrail; {did_you_mean(str(name), known)}")
        elif name not in fed:
            yield Problem(
                f"guardrails.{name}", "no enabled analyzer feeds it; enable one, or leave the guardrail out"
            )


def _stages(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    weight = _value(tree, "canary.weight")
    if _value(tree, "tap") is True and isinstance(weight, (int, float)) and weight > 0:
        yield Problem("canary.weight", f"found {weight:g}, should be 0: with tap on there is no client to answer")
