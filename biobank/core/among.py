"""A column among many values that are given as one parameter: no statement grows with what is asked.

A list of 5,000 keys as 5,000 parameters costs more to write out than its rows cost to read, and both databases bound
the parameters of one statement.
"""

import json
from typing import Any

from sqlalchemy import BigInteger, Boolean, Dialect, Integer, Text, bindparam
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class _Values(TypeDecorator[list[Any]]):
    """The values as either database takes them whole: JSON on SQLite, an array on PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, *, whole: bool) -> None:
        super().__init__()
        self.whole = whole

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return Text()
        return dialect.type_descriptor(ARRAY(BigInteger if self.whole else Text))

    def process_bind_param(self, value: list[Any] | None, dialect: Dialect) -> Any:
        values = list(value or ())
        return values if dialect.name == "postgresql" else json.dumps(values)


class among(FunctionElement[bool]):  # noqa: N801  read as a word of a statement
    """`among(Sample.id, "ids")`: true where the column is one of the values given as `ids`, whole numbers or text."""

    name = "among"
    type = Boolean()
    inherit_cache = True
    _is_implicitly_boolean = True  # it is a comparison already: SQLite would be asked whether it equals 1

    def __init__(self, column: Any, values: str) -> None:
        kind = _Values(whole=isinstance(column.type, Integer))
        super().__init__(column, bindparam(values, type_=kind))


@compiles(among, "sqlite")
def _on_sqlite(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608  both are made by the compiler


@compiles(among, "postgresql")
def _on_postgresql(element: among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(clause, **options) for clause in element.clauses)
    return f"{column} = ANY({values})"
