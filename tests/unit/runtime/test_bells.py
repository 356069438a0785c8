"""Bells of the lanes."""

from controller.runtime.bells import Bells


def test_only_those_who_listen_to_a_lane_hear_its_bell() -> None:
    bells, heard = Bells(), list[str]()
    with (
        bells.listening("adapter/a", lambda: heard.append("a1")),
        bells.listening("adapter/a", lambda: heard.append("a2")),
        bells.listening("adapter/b", lambda: heard.append("b")),
    ):
        bells.ring("adapter/a")
        bells.ring("adapter/nobody")
    bells.ring("adapter/a")
    assert heard == ["a1", "a2"]


def test_nobody_is_told_to_stop_before_it_is_so() -> None:
    assert not Bells().is_stopping


def test_a_stop_is_heard_on_every_lane() -> None:
    bells, heard = Bells(), list[str]()
    with (
        bells.listening("adapter/a", lambda: heard.append("a")),
        bells.listening("adapter/b", lambda: heard.append("b")),
    ):
        bells.stop()
    assert bells.is_stopping
    assert sorted(heard) == ["a", "b"]
