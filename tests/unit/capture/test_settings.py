"""The settings of a source: one document, and every mistake told with its place."""

from pathlib import Path

import pytest

from controller.capture.settings import read_settings, settings_schema
from controller.manifests.problems import ManifestErrors
from controller.model.accounts import ExternalAccount, WindowsAccount

SPEC = "servers: ['https://a']\n  tokenFile: token\n  keyFile: key\n  spool: spool\n  domain: CORP\n"
WHOLE = f"apiVersion: pwsync/v1\nkind: Capture\nmetadata: {{name: dc1}}\nspec:\n  {SPEC}"
OPENLDAP = f"{WHOLE}  openldap: {{socket: s, loginSocket: l"


def told(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ManifestErrors) as refused:
        read_settings(path)
    assert refused.value.message.endswith("in the settings")
    return str(refused.value)


def test_paths_are_beside_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "capture.yaml"
    file.write_text(WHOLE)

    spec = read_settings(file).spec

    assert spec.spool == str(tmp_path / "spool")
    assert spec.account("Alice") == WindowsAccount("CORP", "alice")
    adapter = spec.model_copy(update={"domain": None, "adapter": "openldap"})
    assert adapter.account("Alice") == ExternalAccount("openldap", "Alice")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not one document"),
        (WHOLE + "---\n" + WHOLE, "not one document"),
        ("a: [", "capture.yaml:"),
        ("- a", "capture.yaml:1:1"),
        (WHOLE + "  tokenfile: x\n", "did you mean 'tokenFile'"),
        (WHOLE.replace("Capture", "System"), "kind"),
        (WHOLE.replace("  domain: CORP\n", ""), "exactly one of domain and adapter"),
        (WHOLE + "  adapter: x\n", "exactly one of domain and adapter"),
        (WHOLE + "  certificate: {file: x}\n", "exactly one of tokenFile and certificate"),
        (WHOLE.replace("['https://a']", "[]"), "servers"),
        (WHOLE + "  maxChanges: 0\n", "maxChanges"),
        (f"{OPENLDAP}, baseDN: people}}\n", "'people' is not a DN"),
        (f"{OPENLDAP}, baseDN: 'ou=people,'}}\n", "is not a DN"),
        (f"{OPENLDAP}, baseDN: 'ou=a;o=b'}}\n", "write ',' between the parts, and \\3B for ';' in a name"),
        (f'{OPENLDAP}, baseDN: "o=a\\nb"}}\n', "write \\0A for '\\n'"),
        (f"{OPENLDAP}, baseDN: 'o=#00'}}\n", "write \\23 for '#'"),
        (f"{OPENLDAP}, baseDN: '1.2.3=x,o=b'}}\n", "write the name that 1.2.3 has"),
        (f"{OPENLDAP}, baseDN: 'ou=,o=b'}}\n", "give ou= a value"),
        (
            f"{OPENLDAP}, baseDN: o=b}}\n".replace("loginSocket: l", "loginSocket: 'ldapi:///'"),
            "give the file of ldapi",
        ),
        (f"{OPENLDAP}, baseDN: o=x, accountAttribute: u id}}\n", "'u id' is not the name of an attribute"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    assert words in told(tmp_path / "capture.yaml", text)


@pytest.mark.parametrize("dn", ["o=x", "ou=a b, dc=example , DC=com", r"ou=a\,b\3b+cn=c,2.5.4.10=Größe"])
def test_a_base_is_any_distinguished_name(tmp_path: Path, dn: str) -> None:
    file = tmp_path / "capture.yaml"
    file.write_text(f"{OPENLDAP}, baseDN: '{dn}'}}\n")
    openldap = read_settings(file).spec.openldap
    assert openldap is not None
    assert openldap.base_dn == dn


def test_settings_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ManifestErrors, match="cannot be read"):
        read_settings(tmp_path / "missing.yaml")


def test_the_schema_knows_every_field() -> None:
    schema = settings_schema()
    spec = schema["$defs"]["Capture.CaptureSpec"]["properties"]
    assert {"servers", "caFile", "keyFile", "spool", "maxAge", "openldap"} <= set(spec)
