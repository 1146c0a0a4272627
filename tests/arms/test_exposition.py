from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from proxy.gateway.arms.exposition import Load, load_of

WAITING = b"vllm:num_requests_waiting"
KV = b"vllm:kv_cache_usage_perc"
LABELS = b'{engine="0",model_name="m"}'


def test_waiting_is_summed_over_engines_and_the_fullest_kv_cache_counts() -> None:
    page = (
        b"# HELP vllm:num_requests_waiting Number of requests waiting to be processed.\n"
        b"# TYPE vllm:num_requests_waiting gauge\n"
        b'vllm:num_requests_waiting{engine="0",model_name="m"} 2.0\n'
        b'vllm:num_requests_waiting{engine="1",model_name="m"} 3.0\n'
        b'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 50.0\n'
        b'vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25\n'
        b'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 0.75\n'
        b'vllm:num_requests_running{engine="0",model_name="m"} 9.0\n'
    )

    assert load_of(page) == Load(waiting=5.0, kv_usage=0.75)


@pytest.mark.parametrize(
    "page", [b"", b"up 1\n", b"<html>not found</html>", b"# HELP vllm:num_requests_waiting x\n"]
)
def test_a_page_without_the_two_names_says_nothing(page: bytes) -> None:
    assert load_of(page) == Load(None, None)


@pytest.mark.parametrize(
    "line",
    [
        WAITING + b" 4",
        WAITING + b"\t4.0  ",
        WAITING + b"{} 4",
        WAITING + b'{a="1",} 4',
        WAITING + b" 4 1700000000000",
        WAITING + b" 4\r",
        WAITING + b'{model_name="a}b \\"c\\" d\\\\ 9"} 4',
    ],
)
def test_a_sample_is_read_however_it_is_written(line: bytes) -> None:
    assert load_of(line + b"\n") == Load(waiting=4.0, kv_usage=None)


@pytest.mark.parametrize(
    "rest",
    [
        *(b"{} NaN", b"{} +Inf", b"{} -1", b"{} ", b"{}4", b"{} four", b"{} 1_0", b"{} 4 5 6", b'{a="1} 4'),
        *(b"{a=1} 4", b'{"a"} 4', b'{a="\\x"} 4', b'{a="1" b="2"} 4', b"{} 4}", b"{" + b"x" * 5_000),
    ],
)
def test_a_malformed_sample_makes_its_metric_unknown_and_the_other_one_stays(rest: bytes) -> None:
    page = WAITING + LABELS + b" 1\n" + WAITING + rest + b"\n" + KV + LABELS + b" 0.5\n"

    assert load_of(page) == Load(waiting=None, kv_usage=0.5)


def test_a_label_that_holds_a_sample_is_not_taken_for_one() -> None:
    page = KV + b'{model_name="\\nvllm:num_requests_waiting 99"} 0.5\n'

    assert load_of(page) == Load(waiting=None, kv_usage=0.5)


def test_a_page_with_endless_series_says_nothing() -> None:
    page = b"".join(b'%b{engine="%d"} 1\n' % (WAITING, number) for number in range(2_000))

    assert load_of(page) == Load(None, None)


@pytest.mark.parametrize("line", [WAITING + b"_x 1\n", WAITING + b" 1\n", b"# " + WAITING + b"\n"])
def test_names_that_begin_alike_count_against_what_is_read_and_others_do_not(line: bytes) -> None:
    few, many = line * 255, line * 2_000
    sample = WAITING + b"{} 0\n" + KV + b"{} 0.5\n"

    assert load_of(few + sample).waiting is not None
    assert load_of(many + sample) == Load(0.0 if line.startswith(b"#") else None, 0.5)


@given(st.binary(), st.binary())
def test_no_page_raises(before: bytes, after: bytes) -> None:
    load_of(before + WAITING + after)


@given(st.dictionaries(st.text(), st.floats(0, 1e6), min_size=1))
def test_whatever_prometheus_client_writes_is_read(values: dict[str, float]) -> None:
    registry = CollectorRegistry()
    gauge = Gauge("vllm:num_requests_waiting", "x", ("model_name",), registry=registry)
    for label, value in values.items():
        gauge.labels(label).set(value)

    assert load_of(generate_latest(registry)).waiting == pytest.approx(sum(values.values()))
