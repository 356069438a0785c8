"""The words for kinds that ``get`` and ``describe`` understand: any case, singular or plural."""

from enum import StrEnum

from controller.model.errors import InvalidInput


class Word(StrEnum):
    """What can be asked for, in the plural."""

    SYSTEMS = "systems"
    DOMAINS = "domains"
    PASSWORD_FILTERS = "passwordfilters"  # noqa: S105  # a kind
    ADAPTER_GROUPS = "adaptergroups"
    ADAPTERS = "adapters"
    APPLICATIONS = "applications"
    MAPPING_RULES = "mappingrules"
    MAPPINGS = "mappings"
    MAPPING_SETS = "mappingsets"
    CHANGES = "changes"
    DELIVERIES = "deliveries"
    EVENTS = "events"


def word_of(text: str) -> Word:
    """Find the kind that *text* means.

    Raises:
        InvalidInput: There is none.
    """
    lowered = text.lower().replace("-", "")
    for word in Word:
        if lowered in {word.value, singular(word)}:
            return word
    from controller.manifests.problems import did_you_mean

    words = [word.value for word in Word]
    raise InvalidInput(f"there is no kind {text!r}", hint=did_you_mean(text, words, f"there are {', '.join(words)}"))


def singular(word: Word) -> str:
    """One of them."""
    return "delivery" if word is Word.DELIVERIES else word.value.removesuffix("s")


RESOURCE_KINDS = {
    Word.SYSTEMS: "System",
    Word.DOMAINS: "Domain",
    Word.PASSWORD_FILTERS: "PasswordFilter",
    Word.ADAPTER_GROUPS: "AdapterGroup",
    Word.ADAPTERS: "Adapter",
    Word.APPLICATIONS: "Application",
    Word.MAPPING_RULES: "MappingRule",
}
"""The kinds of objects but mappings."""
