"""A controller process that only listens: ``python -m tests.behaviour.api_process STATE_DIR``.

Says on standard output, one JSON value per line: the token of dc1, where it listens, that it stops, that it has.
"""

import json
import sys
from pathlib import Path

from controller.model.actor import Actor
from controller.model.topology import Domain, Kind, Resource, Source, System
from controller.runtime.settings import settings_of
from controller.runtime.wiring import Installation, open_installation
from controller.web.app import make_app
from controller.web.listening import Listen
from controller.web.server import serve


def main(state_dir: str) -> None:
    """Serve until a signal comes."""
    with open_installation(settings_of(Path(state_dir))) as installation:
        _say(token=_prepare(installation))
        app = make_app(installation, on_accepted=lambda: None)
        serve(
            app,
            Listen("127.0.0.1", 0),
            on_listening=lambda host, port: _say(host=host, port=port),
            on_stop=lambda: _say(state="stopping"),
        )
    _say(state="stopped")


def _prepare(installation: Installation) -> str:
    with installation.store.write() as tx:
        tx.resources.put(Resource(Kind.SYSTEM, "default", System(from_windows_to_adapters=True)))
        tx.resources.put(Resource(Kind.DOMAIN, "CORP", Domain("corp.example.com", (Source("dc1"),))))
    return installation.callers.create("dc1", valid_for=None, by=Actor("tester"))[1].reveal()


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
