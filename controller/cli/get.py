"""``pwsync get``: lists of objects, changes, deliveries and events."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.installation import chosen_settings
from controller.cli.listing import Filters, Found
from controller.cli.object_rows import mapping_sets, mappings, resources
from controller.cli.output import Listing, say, show_json, show_table, show_yaml
from controller.cli.queue_rows import queue
from controller.views.kinds import RESOURCE_KINDS, Word, word_of

if TYPE_CHECKING:
    from controller.ports.store import Transaction

DEFAULT_LIMIT = 100


def get(
    context: typer.Context,
    kind: Annotated[
        str, typer.Argument(help="systems, domains, adapters, ..., mappings, changes, deliveries, events.")
    ],
    name: Annotated[str, typer.Argument(help="One object; of changes, deliveries and events a tracking ID.")] = "",
    *,
    output: Annotated[Listing, typer.Option("--output", "-o", help="The form of the list.")] = Listing.TABLE,
    account: Annotated[str, typer.Option(help=r"Of this account: an external one, or DOMAIN\user.")] = "",
    adapter: Annotated[str, typer.Option(help="Of this adapter.")] = "",
    tracking_id: Annotated[str, typer.Option(help="Of this change.")] = "",
    state: Annotated[str, typer.Option(help="In this state; a wrong one is told which there are.")] = "",
    event: Annotated[str, typer.Option(help="Of this kind, for example deliveryParked.")] = "",
    level: Annotated[str, typer.Option(help="Of this level: info, warning or error.")] = "",
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many [100; of objects all].")] = None,
) -> None:
    """Show what is in the store.

    Objects as they are applied; changes, deliveries and events newest first.

    yaml of objects and mappings can be applied again. json is {"items": [...]}: objects and mappings as manifests
    (objects with status: generation, updatedAt, hasDrifted, revision), the others flat: trackingId, account, adapter or
    domain, state, reason, ... With NAME, an object is the whole answer.
    """
    from controller.runtime.reading import name_store, open_for_reading

    word = word_of(kind)
    filters = Filters(name, account, adapter, tracking_id, state, limit, event, level)
    filters.check(word)
    settings = chosen_settings(context)
    with open_for_reading(settings) as store, store.read() as tx:
        found = _find(tx, word, filters)
        show_found(found, word, filters, output, name_store(settings))


def _find(tx: "Transaction", word: Word, filters: Filters) -> Found:
    if word in RESOURCE_KINDS:
        return resources(tx, word, filters)
    match word:
        case Word.MAPPINGS:
            return mappings(tx, filters)
        case Word.MAPPING_SETS:
            return mapping_sets(tx, filters)
        case _:
            return queue(tx, word, filters, filters.limit or DEFAULT_LIMIT)


def show_found(found: Found, word: Word, filters: Filters, output: Listing, store: str) -> None:
    """Write a list to standard output in the form that was asked for; *store* names where it was looked for."""
    match output:
        case Listing.JSON:
            items: list[dict[str, Any]] = list(found.items())
            show_json(items[0] if filters.names_one(word) else {"items": items})
        case Listing.YAML:
            show_yaml(found.documents())
        case Listing.TABLE:
            rows = list(found.rows())
            show_table(found.columns, rows)
            if not rows:
                say(f"There are no {word.value} {'like that' if filters.are_set else 'yet'} in {store}.")
            elif len(rows) == (filters.limit or found.limit):
                say(f"No more than {len(rows):,} are shown; --limit changes that.")
