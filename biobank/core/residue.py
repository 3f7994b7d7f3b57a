"""What a database file still holds of what was erased: pieces of old pages, and the log of the last writes.

`secure_delete` (see `core.db`) zeroes what is freed, but SQLite moves rows between pages when these fill up, and leaves
a copy behind that it never looks at again. Only writing the whole file anew is certain.
"""

import logging
import sqlite3

from biobank.core.db import _one_writer, db, is_sqlite

log = logging.getLogger("biobank")


def wipe() -> None:
    """Write the database file anew, so that nothing erased can be read in it. Not inside a transaction.

    A failure (no room on the disk, somebody reading for long) is logged: what was committed stands all the same.
    On PostgreSQL it does nothing: dead rows are reclaimed by the server's own VACUUM (autovacuum), and what its log and
    its archives keep is for the site to rotate, as with every backup.
    """
    if not is_sqlite():
        return
    db.session.rollback()  # a read of our own would keep the log from being emptied
    try:
        with _one_writer(), db.engine.connect() as connection:
            raw = connection.connection.dbapi_connection
            raw.execute("VACUUM")  # type: ignore[union-attr]
            busy, *_frames = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[union-attr]
        if busy:
            log.warning("the log of the database was not emptied: somebody was reading")
    except sqlite3.Error as error:
        log.warning("the database file was not written anew: %s", type(error).__name__)
