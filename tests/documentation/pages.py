"""Pages as tests see them: fenced blocks, links, and the console sessions in them.

Blocks are marked by their language and first line:

- ``console``: commands after ``$ ``, in order, in one shell per page; what follows a command is its output, in which
  ``...`` stands for anything; ``[exit code N]`` ends it when the code is not 0.
- ``yaml`` with ``# file: NAME``: a file that the commands find; a manifest unless its second line is ``# invalid``.
- ``python`` with ``# file: NAME``, ``xml`` with ``<!-- file: NAME -->``: a file that the commands find.
- ``yaml`` with ``# fragment: Kind`` or ``# fragment: Kind.spec``: a part of a manifest.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^(?P<fence>`{3,})(?P<language>\w*)[^\n]*\n(?P<body>.*?)^(?P=fence)\s*$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(?P<title>.+)$", re.MULTILINE)
_CODE = re.compile(r"\[exit code (?P<code>\d+)\]")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    body: str

    @property
    def first_line(self) -> str:
        """Its first line."""
        return self.body.partition("\n")[0]

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a session, and what it must print (standard output and error together)."""

    place: str
    command: str
    expected: tuple[str, ...]
    code: int


def all_pages() -> list[Path]:
    """Every page of the documentation."""
    return sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])


def name_of(path: Path) -> str:
    """The name of a page in test ids and messages."""
    return str(path.relative_to(ROOT))


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(name_of(path), text.count("\n", 0, found.start()) + 1, found["language"], found["body"])
        for found in _FENCE.finditer(text)
    ]


def prose(path: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", path.read_text(encoding="utf-8"))


def links(path: Path) -> list[str]:
    """The targets of all links of a page."""
    return [found["target"] for found in _LINK.finditer(prose(path))]


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    return {
        re.sub(r"[^\w\- ]", "", found["title"].strip().lower()).replace(" ", "-")
        for found in _HEADING.finditer(prose(path))
    }


def steps(path: Path) -> list[Step]:
    """The commands of all console blocks of a page, in order."""
    return [step for block in blocks(path) if block.language == "console" for step in _steps_of(block)]


def _steps_of(block: Block) -> Iterator[Step]:
    expected: list[str] = []
    command, code, place = "", 0, ""
    for number, line in enumerate(block.body.splitlines(), block.line + 1):
        if line.startswith("$ "):
            if command:
                yield Step(place, command, tuple(expected), code)
            command, expected, code, place = line[2:], [], 0, f"{block.page}:{number}"
        elif found := _CODE.fullmatch(line):
            code = int(found["code"])
        elif not command:
            raise ValueError(f"{block.page}:{number}: output before any command")
        else:
            expected.append(line)
    if command:
        yield Step(place, command, tuple(expected), code)


def fits(expected: tuple[str, ...], printed: str) -> bool:
    """Tell whether *printed* is what a page shows. Blank lines at both ends, and runs of blanks, do not matter.

    A line ``...`` stands for any lines, also none; ``...`` inside a line for any text. No expected line at all says
    nothing about the output.
    """
    if not expected:
        return True
    pattern = "".join("(?:[^\n]*\n)*?" if line.strip() == "..." else f"{_line_pattern(line)}\n" for line in expected)
    lines = [" ".join(line.split()) for line in printed.strip("\n").splitlines()]
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def _line_pattern(line: str) -> str:
    parts = re.split(r" *\.\.\. *", " ".join(line.split()))
    return "[^\n]*".join(re.escape(part) for part in parts)


def shown_manifests() -> Iterator[tuple[str, str]]:
    """Every file of manifests in the project, and every one that a page shows, with its place."""
    for file in sorted([*ROOT.glob("manifests/*.yaml"), *ROOT.glob("examples/**/manifests/*.yaml")]):
        yield str(file.relative_to(ROOT)), file.read_text(encoding="utf-8")
    for page in all_pages():
        for block in blocks(page):
            first, _, rest = block.body.partition("\n")
            if block.language == "yaml" and first.startswith("# file: ") and not rest.startswith("# invalid"):
                yield str(block), block.body
