import numpy as np
import pytest

from testbed.engine.sampling import SamplingParams, gumbel, sample, token_logprobs


def murmur3_32(data: bytes) -> int:
    """MurmurHash3_x86_32 with seed 0 for whole words, on Python integers."""
    mask, state = 0xFFFFFFFF, 0
    for start in range(0, len(data), 4):
        word = int.from_bytes(data[start : start + 4], "little") * 0xCC9E2D51 & mask
        word = (word << 15 | word >> 17) & mask
        state ^= word * 0x1B873593 & mask
        state = (state << 13 | state >> 19) & mask
        state = (state * 5 + 0xE6546B64) & mask
    state ^= len(data)
    for multiplier, shift in ((0x85EBCA6B, 16), (0xC2B2AE35, 13)):
        state = (state ^ state >> shift) * multiplier & mask
    return state ^ state >> 16


def test_the_noise_is_murmur3_of_seed_position_and_token() -> None:
    assert murmur3_32(b"test") == 0xBA6BD213  # a published test vector
    seed, position = 0x1234_5678_9ABC_DEF0, 77
    noise = gumbel([seed], [position], 64)[0]
    for token in (0, 1, 63):
        data = seed.to_bytes(8, "little") + position.to_bytes(4, "little") + token.to_bytes(4, "little")
        uniform = (murmur3_32(data) + 0.5) / 2**32
        assert noise[token] == pytest.approx(-np.log(-np.log(uniform)), rel=1e-5)


def test_negative_seeds_are_seeds_like_others() -> None:
    minus, plus = gumbel([-5], [0], 32), gumbel([5], [0], 32)
    assert np.array_equal(minus, gumbel([-5], [0], 32))
    assert not np.array_equal(minus, plus)


def test_what_else_is_in_the_batch_changes_no_noise() -> None:
    together = gumbel([7, 8, 7], [3, 3, 4], 100)
    for row, (seed, position) in enumerate([(7, 3), (8, 3), (7, 4)]):
        assert np.array_equal(together[row], gumbel([seed], [position], 100)[0])


def test_two_models_share_the_noise_of_a_seed() -> None:
    """With logits that differ by less than any gap in the noisy scores, both choose the same token."""
    rng = np.random.default_rng(1)
    base = rng.normal(0, 1, (400, 50)).astype(np.float32)
    near = base + rng.normal(0, 0.02, base.shape).astype(np.float32)
    seeded = [SamplingParams(seed=9) for _ in range(400)]
    other = [SamplingParams(seed=10) for _ in range(400)]
    positions = list(range(400))
    one, two, independent = (
        sample(base, seeded, positions),
        sample(near, seeded, positions),
        sample(base, other, positions),
    )
    assert np.mean(np.array(one) == two) > 0.95
    assert np.mean(np.array(one) == independent) < 0.3


def test_samples_follow_the_softmax_at_their_temperature() -> None:
    logits = np.array([0.0, 1.0, 2.0], np.float32)
    rows = 20_000
    params = [SamplingParams(seed=3, temperature=0.5)] * rows
    drawn = sample(np.tile(logits, (rows, 1)), params, range(rows))
    expected = np.exp(logits / 0.5) / np.exp(logits / 0.5).sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=3) / rows, expected, atol=0.015)


def test_temperature_zero_is_the_best_token_and_batches_mix() -> None:
    logits = np.array([[1.0, 3.0, 2.0]] * 2, np.float32)
    greedy, warm = SamplingParams(seed=1, temperature=0), SamplingParams(seed=1)
    alone = sample(logits[:1], [warm], [5])
    assert sample(logits, [greedy, warm], [5, 5]) == [1, *alone]


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"top_k": 2}, {3, 1}),
        ({"top_p": 0.6}, {3, 1}),
        ({"top_p": 0.5}, {3}),
        ({"top_p": 1e-9}, {3}),
        ({"top_k": 9}, {0, 1, 2, 3}),
    ],
)
def test_top_k_and_top_p_leave_only_the_best(options: dict[str, float], kept: set[int]) -> None:
    shares = np.array([0.12, 0.25, 0.12, 0.51], np.float32)
    logits = np.tile(np.log(shares), (600, 1))
    drawn = sample(logits, [SamplingParams(seed=1, **options)] * 600, range(600))  # type: ignore[arg-type]
    assert set(drawn) == kept


def test_logprobs_sum_to_one_and_name_the_chosen_token_first() -> None:
    logits = np.log(np.array([[0.5, 0.125, 0.375]], np.float32)) + 4
    (entry,) = token_logprobs(logits, [1], 3)
    assert list(entry) == [1, 0, 2]
    assert sum(np.exp(e.logprob) for e in entry.values()) == pytest.approx(1)
    assert {token: e.rank for token, e in entry.items()} == {1: 3, 0: 1, 2: 2}
    assert list(token_logprobs(logits, [1], 1)[0]) == [1, 0]
    assert list(token_logprobs(logits, [1], 0)[0]) == [1]
