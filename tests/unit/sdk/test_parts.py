"""The parts of the kit: waiting, tokens, addresses, and what it must agree on with the controller."""

import ast
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from controller.model.completion import ERRORS
from controller.sdk.adapter import RemoteAdapter
from controller.sdk.errors import Unusable
from controller.sdk.outcomes import FAILURES
from controller.sdk.patience import Backoff, StopSign
from controller.sdk.tokens import TokenFile, TokenVariable
from controller.sdk.transport import ClientCertificate, Controller

ROOT = Path(__file__).parents[3]


def test_failures_are_those_of_the_api() -> None:
    ours = {failure.error_code: failure.__name__ for failure in FAILURES}
    assert ours == {code: error.__name__ for code, (error, _) in ERRORS.items()}


def test_an_adapter_loads_nothing_but_the_kit_and_the_standard_library() -> None:
    program = (
        "import sys; known = set(sys.modules); import controller.sdk.adapter, controller.sdk.transport; "
        "print(*sorted({name for name in set(sys.modules) - known}))"
    )
    told = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    loaded = told.split()
    assert "controller.sdk.service" in loaded
    assert {n for n in loaded if n.startswith("controller.") and not n.startswith("controller.sdk")} == {
        "controller.model",
        "controller.model.secret",
    }
    tops = {name.partition(".")[0] for name in loaded} - {"controller"}
    assert {name for name in tops if name not in sys.stdlib_module_names} == set()


def test_every_type_of_the_kit_that_its_user_meets_is_on_its_page() -> None:
    page = (ROOT / "docs" / "reference" / "sdk.md").read_text(encoding="utf-8")
    modules = ("adapter", "errors", "handlers", "notifications", "outcomes", "tokens", "transport")
    trees = [ast.parse((ROOT / "controller" / "sdk" / f"{name}.py").read_text(encoding="utf-8")) for name in modules]
    names = [node.name for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)]
    assert [name for name in names if f"`{name}" not in page] == []
    methods = [name for name in vars(RemoteAdapter) if not name.startswith("_")]
    assert [name for name in methods if f"{name}(" not in page] == []


def test_waits_double_and_are_spread() -> None:
    even = Backoff(lambda: 0.5)
    assert [even.seconds() for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    even.reset()
    assert even.seconds() == 1
    assert [Backoff(lambda: 0.0).seconds(), Backoff(lambda: 1.0).seconds()] == [0.75, 1.25]


def test_what_the_controller_asks_for_is_waited_and_not_more_than_a_minute() -> None:
    assert Backoff(lambda: 0.0).seconds(5) == 5
    assert Backoff(lambda: 1.0).seconds(3600) == 75


def test_a_stop_sign_wakes_all_that_wait_and_stays() -> None:
    sign = StopSign()
    assert not sign.wait(0.001)
    waiting = [threading.Thread(target=sign.wait, args=(60,)) for _ in range(3)]
    for thread in waiting:
        thread.start()
    sign.set()
    for thread in waiting:
        thread.join(30)
    assert not any(thread.is_alive() for thread in waiting)
    assert sign.is_set
    assert sign.wait(60)


def test_a_token_is_read_anew_each_time_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    source = TokenFile(file)
    file.write_text("pwsync_one\n", encoding="utf-8")
    assert source.read().reveal() == "pwsync_one"
    file.write_text("pwsync_two", encoding="utf-8")
    assert source.read().reveal() == "pwsync_two"
    assert "pwsync_two" not in repr(source.read())


def test_a_token_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_TOKEN", "pwsync_three")
    assert TokenVariable("HOST_TOKEN").read().reveal() == "pwsync_three"
    monkeypatch.delenv("HOST_TOKEN")
    with pytest.raises(Unusable, match="the environment variable HOST_TOKEN holds no token"):
        TokenVariable("HOST_TOKEN").read()


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"a\nb", b"gr\xc3\xbcn", b"\xff", b"a\x00b"])
def test_what_is_no_token_is_refused_and_not_quoted(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "token"
    file.write_bytes(content)
    with pytest.raises(Unusable, match="token") as caught:
        TokenFile(file).read()
    assert "words" not in str(caught.value)


def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unusable, match=r"no-such.* cannot be read: No such file or directory \(put what"):
        TokenFile(tmp_path / "no-such").read()


@pytest.mark.parametrize(
    "url", ["https://pwsync.example.com", "http://127.0.0.1:8080/", "http://[::1]:1", "http://localhost"]
)
def test_addresses_of_a_controller(url: str) -> None:
    Controller(url).close()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("pwsync.example.com", "not a web address"),
        ("ftp://pwsync.example.com", "not a web address"),
        ("https://", "not a web address"),
        ("https://host:0", "not a web address"),
        ("https://host:port", "cannot be read"),
        ("https://host:99999", "cannot be read"),
        ("https://host/v1", "more than scheme, host and port"),
        ("https://user:secret@host", "more than scheme, host and port"),
        ("http://pwsync.example.com", "on another machine"),
        ("http://192.0.2.1", "on another machine"),
    ],
)
def test_addresses_that_cannot_be_used(url: str, told: str) -> None:
    with pytest.raises(Unusable, match=told) as caught:
        Controller(url)
    assert "secret" not in str(caught.value)


def test_files_of_certificates_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("nothing", encoding="utf-8")
    for ca_file in (broken, tmp_path / "no-such.pem"):
        with pytest.raises(Unusable, match=f"the authorities in {ca_file} cannot be read") as caught:
            Controller("https://localhost", ca_file=ca_file)
        assert caught.value.hint.startswith("PEM, certificates alone")
    with pytest.raises(Unusable, match=f"the certificate in {broken} cannot be used") as caught:
        Controller("https://localhost", certificate=ClientCertificate(broken))
    assert caught.value.hint.startswith("PEM, with a key that fits")
