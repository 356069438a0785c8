"""A trial of the settings: only what is refused for its empty password alone would do."""

from pathlib import Path

import pytest

from controller.capture.sending import Sender
from controller.capture.trial import try_out
from controller.model.errors import SettingsError
from controller.sdk.transport import Answer
from controller.sealing.capture import CaptureKey
from tests.unit.capture.bench import NOW, TAKEN, CaptureBench, StubServer


def refused(status: int, reason: str) -> Answer:
    return Answer(status, b'{"title": "no", "reason": "%s"}' % reason.encode())


def tried(tmp_path: Path, answer: Answer | None) -> CaptureBench:
    bench = CaptureBench(tmp_path, StubServer([answer]))
    try_out(bench.spec, CaptureKey.of(bench.keyring.newest), Sender(bench.servers, None), NOW)
    return bench


def test_a_change_with_an_empty_password_is_sent_and_its_refusal_is_what_is_wanted(tmp_path: Path) -> None:
    bench = tried(tmp_path, refused(422, "emptyPassword"))

    (request,) = bench.servers[0].requests
    assert request.path == "/v1/domains/CORP/captures"
    assert bench.spool.count() == 0


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (refused(422, "sealBroken"), "would not take"),
        (refused(401, ""), "would not take"),
        (refused(403, "sourceNotAllowed"), "would not take"),
        (refused(403, "oldPasswordMissing"), "would not take"),
        (None, "no-trial"),
        (TAKEN, "spec.servers"),
    ],
)
def test_every_other_answer_says_what_is_wrong(tmp_path: Path, answer: Answer | None, words: str) -> None:
    with pytest.raises(SettingsError) as found:
        tried(tmp_path, answer)
    assert words in f"{found.value} {found.value.hint}"
