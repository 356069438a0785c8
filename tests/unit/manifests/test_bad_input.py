"""Every mistake a person can make in a manifest: where it is reported, in which words, with which hint."""

from textwrap import dedent

import pytest

from controller.manifests.problems import ManifestErrors, Problem
from controller.manifests.reader import read_manifests
from controller.model.accounts import ESCAPED
from tests.unit.manifests.catalogue import FakeCatalogue

KINDS = (
    "there are: Adapter, AdapterGroup, Application, Domain, Mapping, MappingRule, MappingSet, PasswordFilter, System"
)
DURATION = "numbers with the units d, h, m, s, for example 90s, 10m, 1h30m, 24h or 7d"
NAME = "letters, digits, '.', '_' and '-', a letter or digit at both ends, at most 253"
REFERENCE = "write {env: NAME} or {file: PATH}; a manifest never holds the secret itself"


def problems_of(text: str) -> tuple[Problem, ...]:
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=text)
    return caught.value.problems


def document(kind: str, spec: str, name: str = "x") -> str:
    """Four lines; the spec is on the fourth, from column 7."""
    return f"apiVersion: pwsync/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


SYNTAX = {
    "nothing": ("", "1:1", "there are no manifests here", "give a file or folder of manifests"),
    "only comments": ("# later\n---\n", "1:1", "there are no manifests here", "give a file or folder of manifests"),
    "unclosed list": (
        "kind: [\n",
        "2:1",
        "not valid YAML: while parsing a flow node, did not find expected node content",
        "",
    ),
    "unknown escape": (
        'a: "CORP\\staff"\n',
        "1:9",
        "not valid YAML: while parsing a quoted scalar, found unknown escape character",
        ESCAPED,
    ),
    "escape without its digits": (
        'a: "CORP\\user"\n',
        "1:11",
        "not valid YAML: while parsing a quoted scalar, did not find expected hexdecimal number",
        ESCAPED,
    ),
    "tab": (
        "a:\n\tb: 1",
        "2:1",
        "not valid YAML: while scanning for the next token, found character that cannot start any token",
        "indent with spaces, not tabs; quote text that begins with @, ` or %",
    ),
    "colon in text": (
        "a: b: c",
        "1:5",
        "not valid YAML: mapping values are not allowed in this context",
        "quote text that contains a colon and a space; check the indentation",
    ),
    "control character": (
        "é: 1\nb: é\x07",
        "2:5",
        "not valid YAML: control characters are not allowed",
        "remove the character",
    ),
    "lone surrogate": ("a: é\udcff", "1:5", "not UTF-8 text", "save the file as UTF-8"),
    "unclosed quote": (
        "a: 'b",
        "1:6",
        "not valid YAML: while scanning a quoted scalar, found unexpected end of stream",
        "",
    ),
    "text": ("hello", "1:1", "a manifest must be a mapping of fields", "apiVersion, kind, metadata, spec"),
    "list": ("- kind: System", "1:1", "a manifest must be a mapping of fields", "apiVersion, kind, metadata, spec"),
    "depth": ("[" * 80, "1:65", "nested deeper than 64 levels", ""),
}

HEADERS = {
    "no kind": ("apiVersion: pwsync/v1\n", "1:1", "kind: missing", KINDS),
    "kind is a number": ("kind: 5\n", "1:7", "kind: must be text", KINDS),
    "kind misspelt": ("kind: Sytem\n", "1:7", "there is no kind 'Sytem'", f"did you mean 'System'? {KINDS}"),
    "kind in lower case": ("kind: adapter\n", "1:7", "there is no kind 'adapter'", f"did you mean 'Adapter'? {KINDS}"),
    "kind far off": ("kind: Pod\n", "1:7", "there is no kind 'Pod'", KINDS),
    "another API": ("apiVersion: v1\nkind: ConfigMap\n", "1:13", "apiVersion: must be 'pwsync/v1'", ""),
    "no apiVersion": ("kind: AdapterGroup\nmetadata: {name: x}\n", "1:1", "apiVersion: missing", ""),
    "no metadata": ("apiVersion: pwsync/v1\nkind: System\n", "1:1", "metadata: missing", ""),
    "metadata without name": (
        "apiVersion: pwsync/v1\nkind: Adapter\nmetadata: {}\nspec: {connector: {type: remote}}\n",
        "3:1",
        "metadata.name: missing",
        "",
    ),
    "unknown top field": (
        "apiVersion: pwsync/v1\nkind: AdapterGroup\nmetadata: {name: x}\nspecs: {}\n",
        "4:1",
        "specs: unknown field",
        "did you mean 'spec'?",
    ),
    "status": (
        "apiVersion: pwsync/v1\nkind: AdapterGroup\nmetadata: {name: x}\nqqq: {}\n",
        "4:1",
        "qqq: unknown field",
        "there are: apiVersion, kind, metadata, spec",
    ),
    "name": (document("AdapterGroup", "{}", "-x-"), "3:18", "metadata.name: '-x-' is not a name", NAME),
    "name too long": (
        document("AdapterGroup", "{}", "x" * 254),
        "3:18",
        f"metadata.name: '{'x' * 253}' is not a name",
        NAME,
    ),
    "name is a number": (document("AdapterGroup", "{}", "0123"), "3:18", "metadata.name: must be text", "quote it"),
    "name of the System": (document("System", "{}", "main"), "3:18", "metadata.name: must be 'default'", ""),
    "lower-case domain": (
        document("Domain", "{dnsName: x}", "corp"),
        "3:18",
        "metadata.name: 'corp' is not in upper case",
        "write 'CORP'",
    ),
    "DNS name as domain": (
        document("Domain", "{dnsName: x}", "CORP.EXAMPLE.COM"),
        "3:18",
        "metadata.name: 'CORP.EXAMPLE.COM' is not a NetBIOS domain name",
        "at most 15 characters, as in CORP, not the DNS name",
    ),
    "label": (
        document("AdapterGroup", "{}", "x, labels: {tier: 1}"),
        "3:36",
        "metadata.labels.tier: must be text",
        "quote it",
    ),
    "switch as label": (
        document("AdapterGroup", "{}", "x, labels: {on: a}"),
        "3:30",
        "a field name must be text",
        "quote it",
    ),
    "protection is a switch": (
        document("AdapterGroup", "{}", "x, annotations: {pwsync/protect: true}"),
        "3:51",
        "metadata.annotations.pwsync/protect: must be text",
        "quote it",
    ),
    "left alone unclear": (
        document("AdapterGroup", "{}", "x, annotations: {pwsync/reconcile: 'off'}"),
        "3:53",
        "metadata.annotations.pwsync/reconcile: must be 'enabled' or 'disabled'",
        "disabled leaves the object alone",
    ),
    "protection unclear": (
        document("AdapterGroup", "{}", "x, annotations: {pwsync/protect: 'on'}"),
        "3:51",
        "metadata.annotations.pwsync/protect: must be 'true' or 'false'",
        "anything else would not protect",
    ),
}

STRUCTURE = {
    "duplicate field": (
        document("AdapterGroup", "{computer: a, computer: b}"),
        "4:21",
        "'computer' is given twice here",
        "remove one of them",
    ),
    "field name is a list": (
        document("AdapterGroup", "{[a]: b}"),
        "4:8",
        "a field name must be text",
        "quote it",
    ),
    "merge key": (
        document("AdapterGroup", "{<<: {computer: a}}"),
        "4:8",
        "merge keys (<<) are not supported",
        "write the fields out, or alias a whole value",
    ),
    "tag": (
        document("AdapterGroup", "{computer: !secret a}"),
        "4:18",
        "tags are not supported",
        "remove the word that begins with an exclamation mark",
    ),
    "tag of a list": (
        document("AdapterGroup", "!!python/object:os.system {computer: a}"),
        "4:7",
        "tags are not supported",
        "remove the word that begins with an exclamation mark",
    ),
    "spec is empty": (
        document("AdapterGroup", ""),
        "4:6",
        "spec: must be a mapping of fields",
        "give a value or leave the field out",
    ),
    "spec is a list": (document("AdapterGroup", "[]"), "4:7", "spec: must be a mapping of fields", ""),
    "field is empty": (
        document("AdapterGroup", "{computer: }"),
        "4:18",
        "spec.computer: must be text",
        "give a value or leave the field out",
    ),
    "field is an object": (document("AdapterGroup", "{computer: {}}"), "4:18", "spec.computer: must be text", ""),
}

SYSTEM = {
    "unknown switch": (
        "{fromWindowsToAdapter: true}",
        8,
        "spec.fromWindowsToAdapter: unknown field",
        "did you mean 'fromWindowsToAdapters'?",
    ),
    "period of a try": (
        "{credentialVerification: {enabled: true, period: 1h}}",
        56,
        "spec.credentialVerification.period: a period of 1h is not allowed",
        "from 1d to 365d: each wrong try counts towards the lockout of its account",
    ),
    "snake case": ("{max_sync_age: 1h}", 8, "spec.max_sync_age: unknown field", "did you mean 'maxSyncAge'?"),
    "yes": (
        "{fromWindowsToAdapters: yes}",
        31,
        "spec.fromWindowsToAdapters: must be true or false",
        "write true or false, without quotes",
    ),
    "quoted true": (
        "{fromWindowsToAdapters: 'true'}",
        31,
        "spec.fromWindowsToAdapters: must be true or false",
        "write true or false, without quotes",
    ),
    "number as switch": (
        "{fromWindowsToAdapters: 1}",
        31,
        "spec.fromWindowsToAdapters: must be true or false",
        "",
    ),
    "duration without unit": ("{maxSyncAge: 24}", 20, "spec.maxSyncAge: must be a duration", DURATION),
    "duration with odd unit": ("{maxSyncAge: 24x}", 20, "spec.maxSyncAge: not a duration", DURATION),
    "no time": ("{maxSyncAge: 0s}", 20, "spec.maxSyncAge: must be longer than nothing", DURATION),
    "too much time": ("{maxSyncAge: 36501d}", 20, "spec.maxSyncAge: longer than 100 years", DURATION),
    "number in quotes": (
        "{audit: {deletedMappings: '7'}}",
        33,
        "spec.audit.deletedMappings: must be a whole number",
        "remove the quotes",
    ),
    "words for a number": (
        "{audit: {deletedMappings: many}}",
        33,
        "spec.audit.deletedMappings: must be a whole number",
        "",
    ),
    "leading zeros": (
        "{audit: {deletedMappings: 007}}",
        33,
        "spec.audit.deletedMappings: must be a whole number",
        "write it without leading zeros and underscores",
    ),
    "below the least": (
        "{audit: {deletedMappings: -1}}",
        33,
        "spec.audit.deletedMappings: must be greater than or equal to 0",
        "",
    ),
    "over 100 percent": (
        "{reconcile: {maxPrunePercent: 101}}",
        37,
        "spec.reconcile.maxPrunePercent: must be less than or equal to 100",
        "",
    ),
    "one administrator": ("{administrators: ops}", 24, "spec.administrators: must be a list", ""),
    "empty administrator": (
        "{administrators: ['']}",
        25,
        "spec.administrators[0]: must have at least 1 character",
        "",
    ),
}

BIND = "bind: {user: a, passwordFrom: {env: A}}"
DOMAIN = {
    "nothing": ("{}", "4:1", "spec.dnsName: missing", ""),
    "source type": (
        "{dnsName: x, sources: [{principal: dc1, type: domaincontroller}]}",
        "4:53",
        "spec.sources[0].type: must be 'domainController' or 'identityManager'",
        "did you mean 'domainController'?",
    ),
    "way of changing": (
        "{dnsName: x, passwordChange: resets}",
        "4:36",
        "spec.passwordChange: must be 'change' or 'reset'",
        "did you mean 'reset'?",
    ),
    "switch as way of changing": (
        "{dnsName: x, passwordChange: on}",
        "4:36",
        "spec.passwordChange: must be 'change' or 'reset'",
        "",
    ),
    "password instead of a reference": (
        "{dnsName: x, directory: {url: ldaps://a, baseDN: DC=a, bind: {user: a, passwordFrom: hunter2}}}",
        "4:92",
        "spec.directory.bind.passwordFrom: must be a mapping of fields",
        REFERENCE,
    ),
    "both references": (
        "{dnsName: x, directory: {url: ldaps://a, baseDN: DC=a, bind: {user: a, passwordFrom: {env: A, file: b}}}}",
        "4:92",
        "spec.directory.bind.passwordFrom: give exactly one of env and file",
        "",
    ),
    "in clear": (
        f"{{dnsName: x, directory: {{url: ldap://a, baseDN: DC=a, {BIND}}}}}",
        "4:31",
        "spec.directory: ldap:// without startTLS would send passwords in clear: use ldaps:// or startTLS: true",
        "",
    ),
    "no base": (
        f"{{dnsName: x, directory: {{url: ldaps://a, {BIND}}}}}",
        "4:20",
        "spec.directory.baseDN: missing",
        "",
    ),
}

FILTER = {
    "unknown token": (
        "{rules: xx/}",
        15,
        "spec.rules: filter rules 'xx/', position 4: unknown token 'xx'",
        "tokens are dc/ uc/ lc/ rc/N/chars/ sc/N/from/to/ ps/N/c/ pe/N/c/ tr/N/",
    ),
    "number": ("{rules: 8}", 15, "spec.rules: must be text", "quote it"),
    "case": (
        "{rules: [{truncate: 8}, {case: uper}]}",
        38,
        "spec.rules[1].case: must be 'upper' or 'lower'",
        "did you mean 'upper'?",
    ),
    "pad without character": ("{padStart: {length: 8}}", 8, "spec.padStart.character: missing", ""),
    "substitute more than one": (
        "{rules: {substitute: {ab: c}}}",
        29,
        "spec.rules.substitute.ab: must have at most 1 character",
        "",
    ),
    "unknown rule": (
        "{rules: {trunkate: 8}}",
        16,
        "spec.rules.trunkate: unknown field",
        "did you mean 'truncate'?",
    ),
    "two forms": (
        "{rules: uc/, truncate: 8}",
        15,
        "spec.rules: rules and other fields together have no order",
        "write a list of objects in rules",
    ),
    "too long": ("{truncate: 257}", 18, "spec.truncate: must be less than or equal to 256", ""),
}

ADAPTER = {
    "no connector": ("{enabled: true}", "4:1", "spec.connector: missing", ""),
    "connector is text": ("{connector: racf}", "4:19", "spec.connector: must be a mapping of fields", ""),
    "no type": ("{connector: {url: x}}", "4:8", "spec.connector.type: missing", ""),
    "type is a number": ("{connector: {type: 1}}", "4:26", "spec.connector.type: must be text", "quote it"),
    "unknown type": (
        "{connector: {type: racff}}",
        "4:26",
        "spec.connector.type: there is no connector type 'racff'",
        "did you mean 'racf'?",
    ),
    "type far off": (
        "{connector: {type: qqq}}",
        "4:26",
        "spec.connector.type: there is no connector type 'qqq'",
        "there are: choice, htpasswd, racf, remote, tree, unstorable",
    ),
    "misspelt option": (
        "{connector: {type: htpasswd, file: a, shceme: bcrypt}}",
        "4:45",
        "spec.connector.shceme: unknown field",
        "did you mean 'scheme'?",
    ),
    "missing option": ("{connector: {type: htpasswd}}", "4:8", "spec.connector.file: missing", ""),
    "wrong choice": (
        "{connector: {type: htpasswd, file: a, scheme: bcryt}}",
        "4:53",
        "spec.connector.scheme: must be 'bcrypt' or 'argon2id'",
        "did you mean 'bcrypt'?",
    ),
    "option of a union": (
        "{connector: {type: choice, target: {by: table, tabel: a, table: b}}}",
        "4:54",
        "spec.connector.target.tabel: unknown field",
        "did you mean 'table'?",
    ),
    "tag of a union": (
        "{connector: {type: choice, target: {by: row}}}",
        "4:42",
        "spec.connector.target: 'by' must be one of 'table', 'roles'",
        "",
    ),
    "unclear in a field that takes anything": (
        "{connector: {type: choice, anything: [a, {b: NO}]}}",
        "4:52",
        "spec.connector: it is not clear whether this is text, a number or a switch",
        "quote it",
    ),
    "deep option": (
        "{connector: {type: tree, name: a, children: [{name: b, children: [{nam: c, name: d}]}]}}",
        "4:74",
        "spec.connector.children[0].children[0].nam: unknown field",
        "did you mean 'name'?",
    ),
    "not storable": (
        "{connector: {type: unstorable, raw: 1}}",
        "4:19",
        "spec.connector: the options of this connector type cannot be stored and read again",
        "",
    ),
    "number as password": (
        "{connector: {type: choice, passwordFrom: 4711}}",
        "4:48",
        "spec.connector.passwordFrom: must be a mapping of fields",
        REFERENCE,
    ),
}

APPLICATION = {
    "two adapters": ("{adapter: [a, b]}", 17, "spec.adapter: must be text", "one value, not a list"),
    "type": (
        "{type: hostgroup}",
        14,
        "spec.type: must be 'individual', 'group' or 'hostGroup'",
        "did you mean 'hostGroup'?",
    ),
    "no fields": ("{fields: []}", 16, "spec.fields: must have at least 1 item after validation, not 0", ""),
    "label twice": (
        "{fields: [{label: a}, {label: a}]}",
        16,
        "spec.fields: the label 'a' is given twice",
        "credentials are kept per label",
    ),
    "user id as password": (
        "{fields: [{label: a, sync: true}, {label: b}]}",
        16,
        "spec.fields: the first field is the user id and cannot be the password",
        "mark the password field",
    ),
    "two passwords": (
        "{fields: [{label: a}, {label: b, sync: true}, {label: c, sync: true}]}",
        16,
        "spec.fields: more than one field is marked sync",
        "password sync writes exactly one field",
    ),
    "direct sync and adapter": (
        "{adapter: a, directPasswordSync: true}",
        40,
        "spec.directPasswordSync: not possible together with an adapter",
        "remove one of the two",
    ),
    "direct sync without password field": (
        "{directPasswordSync: true, fields: [{label: a}]}",
        42,
        "spec.fields: it is not clear which field password sync writes",
        "have two fields, user id and password, or mark exactly one with sync: true",
    ),
}

MAPPING = {
    "built-in account": (
        r"{application: A, windowsAccount: 'NT AUTHORITY\SYSTEM', externalAccount: x}",
        40,
        r"spec.windowsAccount: 'NT AUTHORITY\\SYSTEM' is a built-in account",
        "only ordinary domain accounts can be mapped",
    ),
    "no domain": (
        "{application: A, windowsAccount: alice, externalAccount: x}",
        40,
        "spec.windowsAccount: 'alice' is not a Windows account",
        r"write DOMAIN\user, for example CORP\alice",
    ),
    "number as account": (
        r"{application: A, windowsAccount: C\a, externalAccount: 0123}",
        62,
        "spec.externalAccount: must be text",
        "quote it",
    ),
    "NO as account": (
        r"{application: A, windowsAccount: C\a, externalAccount: NO}",
        62,
        "spec.externalAccount: must be text",
        "quote it",
    ),
    "1e5 as account": (
        r"{application: A, windowsAccount: C\a, externalAccount: 1e5}",
        62,
        "spec.externalAccount: must be text",
        "quote it",
    ),
    "space around the account": (
        r"{application: A, windowsAccount: C\a, externalAccount: 'x '}",
        62,
        "spec.externalAccount: 'x ' is not an external account",
        "no empty name, no space around it",
    ),
}

SET = {
    "neither form": (
        "{application: A, domain: C}",
        7,
        "spec: neither mappings nor csvFile is given",
        "write mappings: [] for a set that is empty now",
    ),
    "entry is text": (
        "{application: A, domain: C, mappings: [a]}",
        46,
        "spec.mappings[0]: must be a mapping of fields",
        "",
    ),
    "entry without account": (
        "{application: A, domain: C, mappings: [{windows: a}]}",
        46,
        "spec.mappings[0].external: missing",
        "",
    ),
    "lower-case domain": (
        "{application: A, domain: c, mappings: []}",
        32,
        "spec.domain: 'c' is not in upper case",
        "write 'C'",
    ),
}


def on_fourth_line(
    kind: str, table: dict[str, tuple[str, int | str, str, str]], name: str = "x"
) -> dict[str, tuple[str, str, str, str]]:
    return {
        f"{kind}: {case}": (document(kind, spec, name), f"4:{at}" if isinstance(at, int) else at, message, hint)
        for case, (spec, at, message, hint) in table.items()
    }


RULE: dict[str, tuple[str, int | str, str, str]] = {
    "no attribute": (
        "{application: A, domain: CORP, externalAccount: {attribute: 'a b'}}",
        67,
        "spec.externalAccount.attribute: 'a b' is not the name of an attribute",
        "letters, digits and '-', as in employeeID",
    ),
    "no expression": (
        "{application: A, domain: CORP, externalAccount: {attribute: a, allowed: '(x'}}",
        79,
        (
            "spec.externalAccount.allowed: '(x' is not a regular expression: missing ), unterminated subpattern at "
            "position 0"
        ),
        "as in E[0-9]{5}, for the whole name",
    ),
    **{
        f"no filter {text}": (
            f"{{application: A, domain: CORP, match: {{filter: '{text}'}}, externalAccount: {{attribute: a}}}}",
            54,
            f"spec.match.filter: {text!r} is not a search filter",
            "one pair of parentheses around it, as in (employeeID=*)",
        )
        for text in ("a=b", "(a=b", "(a=b)(c=d)", "(a=b))", "(a=\\29")
    },
}


CASES: dict[str, tuple[str, str, str, str]] = {
    **SYNTAX,
    **HEADERS,
    **STRUCTURE,
    **on_fourth_line("System", {**SYSTEM}, "default"),
    **on_fourth_line("Domain", {**DOMAIN}, "CORP"),
    **on_fourth_line("PasswordFilter", {**FILTER}),
    **on_fourth_line("Adapter", {**ADAPTER}),
    **on_fourth_line("Application", {**APPLICATION}),
    **on_fourth_line("Mapping", {**MAPPING}),
    **on_fourth_line("MappingSet", {**SET}),
    **on_fourth_line("MappingRule", {**RULE}),
}


@pytest.mark.parametrize(("text", "at", "message", "hint"), CASES.values(), ids=CASES.keys())
def test_a_mistake_is_reported_at_its_place_with_a_hint(text: str, at: str, message: str, hint: str) -> None:
    (problem,) = problems_of(text)
    assert (f"{problem.place.line}:{problem.place.column}", problem.message, problem.hint) == (at, message, hint)
    assert problem.place.file == "<stdin>"


def test_an_unknown_field_is_not_suggested_by_its_value() -> None:
    bad = document("Domain", "{dnsName: x, directory: {bind: {user: a, password: hunter2}}}", "CORP")
    messages = [problem.message for problem in problems_of(bad)]
    assert "spec.directory.bind.password: unknown field" in messages


@pytest.mark.parametrize(
    "spec",
    [
        "{connector: {type: racf, bind: {user: a, passwordFrom: hunter2}}}",
        "{connector: {type: racf, bind: {user: a, password: hunter2}}}",
        "{connector: {type: racf, bind: hunter2, url: hunter2, suffix: hunter2}}",
        "{connector: {type: htpasswd, scheme: hunter2, file: [hunter2]}}",
        "{connector: {type: choice, target: {by: roles, table: hunter2}, timeout: hunter2}}",
        "{connector: {type: choice, passwordFrom: {env: hunter2, file: hunter2}}}",
        "{connector: hunter2, group: [hunter2]}",
        "{connector: !hunter2 hunter2}",
        "{connector: 'hunter2",
    ],
)
def test_no_value_that_could_be_a_secret_is_repeated(spec: str) -> None:
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=document("Adapter", spec))
    error = caught.value
    assert "hunter2" not in f"{error} {error!r} {error.message} {error.problems!r}"
    assert error.__cause__ is None


def test_all_mistakes_of_a_file_are_reported_in_order() -> None:
    text = dedent("""\
        apiVersion: pwsync/v1
        kind: Sytem
        ---
        apiVersion: pwsync/v1
        kind: AdapterGroup
        metadata: {name: '?'}
        spec: {computer: 1, description: 2, computer: 3}
        ---
        apiVersion: pwsync/v1
        kind: Adapter
        metadata: {name: a}
        spec: {group: g, connector: {type: racff}, enabled: yes}
        """)
    places = [(problem.place.line, problem.place.column) for problem in problems_of(text)]
    assert places == [(2, 7), (6, 18), (7, 18), (7, 34), (7, 37), (12, 36), (12, 53)]


def test_documents_before_a_mistake_in_the_syntax_are_checked_too() -> None:
    text = document("AdapterGroup", "{computer: 1}") + "---\n" + document("Application", "{adapter: nobody}") + "---\n["
    assert [problem.place.line for problem in problems_of(text)] == [4, 12]


def test_the_errors_say_how_many_and_list_each_on_its_line() -> None:
    with pytest.raises(ManifestErrors) as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=document("AdapterGroup", "{computer: 1, description: 2}"))
    assert caught.value.message == "2 problems in the manifests"
    assert str(caught.value) == (
        "<stdin>:4:18: spec.computer: must be text (quote it)\n<stdin>:4:34: spec.description: must be text (quote it)"
    )


def test_one_error_is_counted_in_the_singular_and_shown_without_an_empty_hint() -> None:
    with pytest.raises(ManifestErrors, match=r"^<stdin>:4:1: spec.dnsName: missing$") as caught:
        read_manifests(["-"], FakeCatalogue(), stdin=document("Domain", "{}", "CORP"))
    assert caught.value.message == "1 problem in the manifests"
