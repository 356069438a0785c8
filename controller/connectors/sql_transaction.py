"""One transaction at a database, and what its failure means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from controller.connectors.sql_errors import OF_TABLES, Wording, translate

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Transactions:
    """Transactions about one thing in a database.

    Attributes:
        place: What is worked on, in words.
        wording: How failures are told.
        commits_by_itself: Whether each statement is committed at once, as those about accounts are in MariaDB.
    """

    engine: Engine
    place: str
    wording: Wording = OF_TABLES
    commits_by_itself: bool = False

    def do(self, work: Callable[[Connection], T], secret: str = "") -> T:
        """Do *work* in one transaction; *secret* is kept out of the database's words.

        Raises:
            ConnectorError: As ``sql_errors`` says; and what *work* raises.
        """
        is_committing = False
        try:
            with self.engine.connect() as connection, connection.begin() as transaction:
                is_committing = self.commits_by_itself
                result = work(connection)
                is_committing = True
                transaction.commit()
                return result
        except SQLAlchemyError as error:
            failure = translate(error, self.place, is_committing=is_committing, secret=secret, wording=self.wording)
        # Raised outside of the handler: the cause keeps the statement's values and the login.
        raise failure
