"""Mapping documents that are recognised without the parser mean what the parser makes of them, mistakes included."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from controller.manifests import reader
from controller.manifests.plain_mapping import Passage, PlainMapping, recognise
from controller.manifests.problems import ManifestErrors
from controller.manifests.reader import read_manifests
from tests.unit.manifests.catalogue import FakeCatalogue

BEFORE = """\
apiVersion: pwsync/v1
kind: Domain
metadata: {name: CORP}
spec: {dnsName: corp.example.com}
---
apiVersion: pwsync/v1
kind: Application
metadata: {name: A}
"""
values = st.sampled_from(
    [
        *("A", "A", "alice", "bob", "BOB1", "0123", "12", "1e5", "0x1F", "NO", "yes", "null", "~", "true", "''", '""'),
        *("'A'", '"A"', r"CORP\alice", r"'CORP\bob'", r'"CORP\\eve"', r'"CORP\alice"', r"'LAB\x'", r"CORP\krbtgt"),
        *("' A'", "'A '", "A B", "A # b", "A: b", "'it''s'", "'Ä'", "Ä", "'\u2028'", "'\x07'", "'\t'", '"\\u0041"'),
        *("*a", "&a A", "!t A", "[A]", "{A: B}", "|", "'A", '"A', "A'", "x/y", "x@y", "-", "a-", ".a", "'\U0001f511'"),
    ]
)
windows = st.sampled_from([r"CORP\alice", r"'CORP\bob'", r'"CORP\\eve"', r"corp\Dave"]) | values
names = st.sampled_from(["one", "two", "'three'"]) | values
externals = st.sampled_from(["X1", "X2", "'X 3'", '"X4"', "x5"]) | values
applications = st.sampled_from(["A", "A", "A", "'A'", "B"])


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A Mapping document, most often valid, in one of many ways of writing it."""
    fields = [f"application: {draw(applications)}", f"windowsAccount: {draw(windows)}"]
    fields.append(f"externalAccount: {draw(externals)}")
    fields += draw(
        st.sampled_from([[], [], ["enabled: true"], ["enabled: false"], ["enabled: NO"], ["more: 1"], fields])
    )
    if draw(st.integers(0, 9)) == 0:
        fields = draw(st.permutations(fields))
    below = draw(st.sampled_from(["\n  ", "\n  ", "\n    ", "\n "]))
    spec = below + below.join(fields) if draw(st.booleans()) else f" {{{', '.join(fields)}}}"
    name = draw(names)
    metadata = draw(st.sampled_from(["", f"metadata: {{name: {name}}}\n", f"metadata:\n  name: {name}\n"]))
    end = draw(st.sampled_from(["\n", "\n", "\n", "", "\n\n", " \n", "\n# end\n", "\n...\n", "\n  - x\n"]))
    return f"apiVersion: pwsync/v1\nkind: Mapping\n{metadata}spec:{spec}{end}"


MAPPING = (
    "---\napiVersion: pwsync/v1\nkind: Mapping\nspec: {{application: A, windowsAccount: {}, externalAccount: {}}}\n"
)
boundaries = st.sampled_from(
    ["---\n", "---\n", "---\n", "\n---\n", "--- \n", "--- # x\n", "%YAML 1.1\n---\n", "\r\n---\r\n"]
)
others = st.sampled_from(
    ["", "# nothing\n", "kind: |\n  ---\n", "a: 'b\n", "a: [\n", "\t\n", "apiVersion: pwsync/v1\nkind: X\n"]
)


@st.composite
def files(draw: st.DrawFn) -> str:
    """A file of Mapping documents and other things."""
    text = draw(st.sampled_from([BEFORE, BEFORE, "---\n" + BEFORE]))
    for document in draw(st.lists(documents() | documents() | documents() | others, max_size=5)):
        text += draw(boundaries) + document
    return text


def outcome(text: str) -> object:
    """What reading gives: the mappings, or all problems."""
    try:
        return list(read_manifests(["-"], FakeCatalogue(), stdin=text).state.mappings)
    except ManifestErrors as errors:
        return [str(problem) for problem in errors.problems]


def parse_all(text: str, _file: str, _folder: str) -> Iterator[PlainMapping | Passage]:
    """Recognise nothing."""
    yield Passage(text, 0, 0)


@example(BEFORE + MAPPING.format("A", "X1") + MAPPING.format("CORP\\b", "'\a'"))
@given(files())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_recognised_means_what_the_parser_makes_of_it(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    found = outcome(text)
    with monkeypatch.context() as patched:
        patched.setattr(reader, "recognise", parse_all)
        assert found == outcome(text)


def test_plain_documents_are_recognised_and_passages_keep_their_lines() -> None:
    one = r"apiVersion: pwsync/v1@kind: Mapping@spec: {application: A, windowsAccount: 'CORP\x', externalAccount: X}@"
    two = r"apiVersion: pwsync/v1@kind: Mapping@metadata:@  name: n@spec:@  application: A@  windowsAccount: CORP\y@"
    plain = [text.replace("@", "\n") for text in (one, f"{two}  externalAccount: Y@  enabled: false@")]
    text = f"---\n{plain[0]}---\nkind: X\n---\nkind: Y\n---\n{plain[1]}"
    first, passage, second = recognise(text, "f", "/")
    assert isinstance(first, PlainMapping)
    assert (first.name, first.windows, first.external, first.enabled, first.line) == (None, r"CORP\x", "X", True, 1)
    assert passage == Passage("---\nkind: X\n---\nkind: Y\n", len(plain[0]) + 4, 4)
    assert isinstance(second, PlainMapping)
    assert (second.name, second.windows, second.external, second.enabled, second.line) == (
        "n",
        r"CORP\y",
        "Y",
        False,
        9,
    )
    assert str(second.place(("spec", "windowsAccount"))) == "f:16:19"
