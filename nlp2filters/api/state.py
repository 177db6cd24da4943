"""What the endpoints share: opened in the app's lifespan."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from nlp2filters.events import Events
from nlp2filters.settings import Settings
from nlp2filters.store import Store


@dataclass(frozen=True, slots=True)
class State:
    """The settings, the store, and the events. `owner` is who the caller is."""

    settings: Settings
    store: Store
    events: Events
    owner: str = "anonymous"


def state(connection: HTTPConnection) -> State:
    """The state of the app that serves this connection."""
    found = connection.state.app
    assert isinstance(found, State)
    return found
