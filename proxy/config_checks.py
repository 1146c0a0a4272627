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
from pathlib import Path
from shutil import which
from typing import Any, TypeVar

from pydantic import ValidationError

from analyzers.finding import Analyzer
from analyzers.registry import AnalyzerError
from cases import redaction
from proxy.address import Address, parse_address, parse_url
from proxy.config import ArmTls, Config, Tls
from proxy.config_channel import NatsTls
from proxy.config_tracing import headers_of, installed
from proxy.tls import TlsError, arm_context, listen_tls, nats_context
from proxy.workers import golds
from verdict.guardrails import guardrails_of

SECRETS = (
    "baseline.api_key_env",
    "candidate.api_key_env",
    "session.salt_env",
    "admin.viewer_token_env",
    "admin.operator_token_env",
    "analysis.gold_token_env",
    "tracing.headers_env",
    "channel.nats.password_env",
    "channel.nats.token_env",
)
"""Keys that name the environment variable of a secret."""
S = TypeVar("S", Tls, ArmTls, NatsTls)
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
    yield from _tokens(tree, environ)
    yield from _arms(tree)
    yield from _files(tree)
    yield from _names(tree, analyzers)
    yield from _golds(tree)
    yield from _rollout(tree)
    yield from _store(tree)
    yield from _cases(tree)
    yield from _channel(tree)
    yield from _command(tree)
    yield from _tracing(tree, environ)


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
    named = {path: _value(tree, path) for path in SECRETS}
    hooks = _value(tree, "triggers.webhooks")
    for index, hook in enumerate(hooks if isinstance(hooks, (list, tuple)) else ()):
        named[f"triggers.webhooks.{index}.secret_env"] = (
            hook.get("secret_env") if isinstance(hook, Mapping) else None
        )
    for path, variable in named.items():
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


def _tokens(tree: Mapping[Any, Any], environ: Mapping[str, str]) -> Iterator[Problem]:
    viewer, operator = (_value(tree, f"admin.{role}_token_env") for role in ("viewer", "operator"))
    if isinstance(viewer, str) and isinstance(operator, str) and environ.get(viewer) == environ.get(operator):
        yield Problem(
            "admin.operator_token_env", "names the viewer's token, so that whoever reads could change things"
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
    yield from _certificates(tree, "channel.nats.tls", NatsTls, nats_context)


def _certificates(
    tree: Mapping[Any, Any], section: str, model: type[S], use: Callable[[S], object]
) -> Iterator[Problem]:
    """What is wrong with the files that a TLS section names."""
    found = {
        key: value for key in model.model_fields if (value := _value(tree, f"{section}.{key}")) is not _MISSING
    }
    if not found:
        return
    try:
        tls = model(**found)
    except ValidationError:
        return
    for one, other in (("cert_file", "key_file"), ("key_file", "cert_file")):
        if found.get(one) and not found.get(other):
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
    for name, section in listed.items() if isinstance(listed, Mapping) else ():
        of = section.get("of") if isinstance(section, Mapping) else None
        path, counted = (f"guardrails.{name}", str(name)) if of is None else (f"guardrails.{name}.of", str(of))
        if counted not in known:
            yield Problem(path, f"no such guardrail; {did_you_mean(counted, known)}")
        elif counted not in fed:
            yield Problem(path, "no enabled analyzer feeds it; enable one, or leave the guardrail out")
        yield from _segment(tree, f"guardrails.{name}", section)


def _segment(tree: Mapping[Any, Any], path: str, section: Any) -> Iterator[Problem]:
    """A guardrail for one segment must be of one that requests are told apart by."""
    segment = section.get("segment") if isinstance(section, Mapping) else None
    attributes, headers = _value(tree, "segments.attributes"), _value(tree, "segments.headers")
    if not isinstance(segment, str) or not all(isinstance(each, (list, tuple)) for each in (attributes, headers)):
        return
    known = [*attributes, *(str(name).lower() for name in headers)]
    attribute = segment.partition("=")[0]
    if attribute not in known:
        yield Problem(
            f"{path}.segment", f"requests are not told apart by {attribute!r}; {did_you_mean(attribute, known)}"
        )


def _golds(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    path = _value(tree, "analysis.golds_file")
    if isinstance(path, str):
        try:
            golds.load(path)
        except golds.GoldsError as error:
            yield Problem("analysis.golds_file", str(error))


def _rollout(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    capacity, steps = _value(tree, "candidate.capacity"), _value(tree, "rollout.canary")
    before = 0.0
    for index, step in enumerate(steps if isinstance(steps, (list, tuple)) else ()):
        step = step.model_dump() if hasattr(step, "model_dump") else step  # noqa: PLW2901 - one way to look at both
        weight = step.get("weight") if isinstance(step, Mapping) else None
        if not isinstance(weight, (int, float)):
            continue
        path = f"rollout.canary.{index}.weight"
        if weight <= before:
            yield Problem(path, f"found {weight:g}, should be above the step before, {before:g}")
        if isinstance(capacity, (int, float)) and weight > capacity:
            yield Problem(path, f"found {weight:g}, should be no more than candidate.capacity, {capacity:g}")
        before = max(before, weight)
    by_itself = _value(tree, "rollout.advance") == "auto" and _value(tree, "rollout.owner") == "slipgauge"
    kept = _value(tree, "store.path") is not None or _value(tree, "channel.nats") is not None
    if by_itself and not kept:
        yield Problem("rollout.advance", "auto needs store.path: a restart would undo a rollback that is in memory")


def _store(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    yield from _file(tree, "store.path")


def _file(tree: Mapping[Any, Any], key: str) -> Iterator[Problem]:
    """A file that will be made has a folder to be made in."""
    path = _value(tree, key)
    if isinstance(path, str) and path:
        if Path(path).is_dir():
            yield Problem(key, f"{path} is a folder, should be a file")
        elif not Path(path).absolute().parent.is_dir():
            yield Problem(key, f"the folder {Path(path).absolute().parent} does not exist")


def _cases(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    if _value(tree, "channel.nats") is None:  # where gateways are elsewhere, the file is control's
        yield from _file(tree, "cases.path")
    path, store = _value(tree, "cases.path"), _value(tree, "store.path")
    if isinstance(path, str) and path:
        if isinstance(store, str) and Path(path).absolute() == Path(store).absolute():
            yield Problem("cases.path", "is store.path as well; give the cases a file of their own")
        if store is None and _value(tree, "session.salt_env") is None:
            yield Problem(
                "cases.path",
                "needs store.path or session.salt_env: without a salt that lasts, a client's cases could not be "
                "found again to erase them",
            )
    if _value(tree, "cases.exclude_tenants") and _value(tree, "cases.tenant_header") is None:
        yield Problem("cases.exclude_tenants", "needs cases.tenant_header, to know whose a request is")
    tenants = _value(tree, "cases.exclude_tenants")
    for index, tenant in enumerate(tenants if isinstance(tenants, (list, tuple)) else ()):
        if isinstance(tenant, str) and tenant and not re.fullmatch(r" *[!-~][ -~]*", tenant):
            yield Problem(f"cases.exclude_tenants.{index}", "should be plain ASCII, as all that headers say is")
    subjects = _value(tree, "cases.exclude_subjects")
    for index, subject in enumerate(subjects if isinstance(subjects, (list, tuple)) else ()):
        if isinstance(subject, str) and not re.fullmatch(r"[0-9a-f]{32}", subject):
            # What stands here may be the client's key, so it is not repeated.
            yield Problem(
                f"cases.exclude_subjects.{index}",
                "should be the hash that a case shows as its subject: 32 hexadecimal digits, no key or address",
            )
    redactor = _value(tree, "cases.redactor")
    if isinstance(redactor, str) and redactor:
        try:
            redaction.load(redactor)
        except redaction.RedactorError as error:
            yield Problem("cases.redactor", str(error))


def _channel(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    nats = _value(tree, "channel.nats")
    if not isinstance(nats, Mapping):
        return
    if not isinstance(_value(tree, "session.salt_env"), str):
        yield Problem(
            "session.salt_env",
            "is missing: with channel.nats every gateway must name sessions by the same secret, which it holds",
        )
    credentials = nats.get("credentials_file")
    if isinstance(credentials, str) and not Path(credentials).is_file():
        yield Problem("channel.nats.credentials_file", f"{credentials} is no file")
    ways = [key for key in ("credentials_file", "user", "token_env") if nats.get(key) is not None]
    if len(ways) > 1:
        yield Problem("channel.nats", f"says in {len(ways)} ways who connects: {', '.join(ways)}; keep one")
    if (nats.get("user") is None) is not (nats.get("password_env") is None):
        yield Problem("channel.nats.user", "goes with password_env; give both or neither")
    servers = nats.get("servers")
    encrypted = isinstance(servers, (list, tuple)) and any(str(each).startswith("tls://") for each in servers)
    if not encrypted and any((nats.get("tls") or {}).values()):
        yield Problem("channel.nats.tls", "has no use, since no server is tls://; change one of them")


def _command(tree: Mapping[Any, Any]) -> Iterator[Problem]:
    command = _value(tree, "triggers.command")
    if isinstance(command, (list, tuple)) and command and isinstance(command[0], str) and not which(command[0]):
        yield Problem("triggers.command.0", f"no program {command[0]!r} is found here that may be run")


def _tracing(tree: Mapping[Any, Any], environ: Mapping[str, str]) -> Iterator[Problem]:
    if not isinstance(_value(tree, "tracing.endpoint"), str):
        return
    if not installed():
        yield Problem("tracing.endpoint", "needs the package opentelemetry-proto; install slipgauge[tracing]")
    variable = _value(tree, "tracing.headers_env")
    try:
        headers_of(environ.get(variable, "") if isinstance(variable, str) else "")
    except ValueError as error:
        yield Problem("tracing.headers_env", str(error))
