"""Errors carry what a caller acts on, beside their words."""

from datetime import timedelta

from controller.model.errors import ManifestsRefused, PwsyncError, TooManyCalls


def test_refused_manifests_name_their_revision() -> None:
    error = ManifestsRefused("it is not signed", revision="1f0c", hint="sign it")
    assert (error.message, error.hint, error.revision, error.code) == (
        "it is not signed",
        "sign it",
        "1f0c",
        "manifestsRefused",
    )


def test_too_many_calls_tell_how_long_to_wait_and_who_called() -> None:
    error = TooManyCalls("this caller calls too often", wait=timedelta(seconds=3), caller="dc1")
    assert (error.wait, error.caller, error.hint) == (timedelta(seconds=3), "dc1", "")
    assert TooManyCalls("too often", wait=timedelta(seconds=1)).caller == ""


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.__dict__["code"] for error in _below(PwsyncError) if "code" in error.__dict__]
    assert len(codes) == len(set(codes)) > 10


def _below(error: type[PwsyncError]) -> set[type[PwsyncError]]:
    direct = set(error.__subclasses__())
    return direct.union(*(_below(one) for one in direct))
