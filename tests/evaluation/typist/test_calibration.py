"""The table of confidence is fitted to what was right."""

from random import Random

import pytest

from evaluation.typist.calibration import Guess, Sample, fit_points, fit_table


def test_chances_rise_and_are_the_shares_of_what_was_right() -> None:
    random = Random(1)
    guesses = [random.random() for _ in range(20_000)]
    points = fit_points([(guess, random.random() < guess**2) for guess in guesses])
    assert len(points) <= 12
    assert list(points) == sorted(points)
    assert [chance for _, chance in points] == sorted(chance for _, chance in points)
    for probability, chance in points:
        assert chance == pytest.approx(probability**2, abs=0.05)


def test_without_guesses_the_model_is_taken_at_its_word() -> None:
    assert fit_points([]) == ((0.0, 0.0), (1.0, 1.0))


def test_the_least_chance_rises_with_the_share_that_shall_be_right() -> None:
    random = Random(2)
    samples = []
    for number in range(2_000):
        probability = random.random()
        guess = Guess(f"text_{number}", probability, random.random() < probability)
        samples.append(Sample(number, "inside", (guess,)))
    least = fit_table(samples, ("python",)).least
    assert 0 < least["high"] < least["medium"] < least["low"] < 1
    assert least["low"] == pytest.approx(0.5, abs=0.08)  # of 0.5 and more, 0.75 on average
