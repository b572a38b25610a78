"""mAP of each run, that of reports which are kept already among them."""

import json
import zlib
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_MOST_BYTES = 512 << 20


def upgrade() -> None:
    table = op.create_table(
        "accuracies",
        sa.Column("run_id", sa.Integer, sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("data_set", sa.String(64), nullable=False),
        sa.Column("pictures", sa.Integer, nullable=False),
        sa.Column("failed", sa.Integer, nullable=False),
        sa.Column("map", sa.Float, nullable=False),
        sa.Column("map_low", sa.Float),
        sa.Column("map_high", sa.Float),
    )
    connection = op.get_bind()
    reports = sa.table("report_files", sa.column("report_id"), sa.column("name"), sa.column("content"))
    runs = sa.table("runs", sa.column("id"), sa.column("report_id"), sa.column("place"))
    numbers = connection.execute(sa.select(reports.c.report_id).where(reports.c.name == "report.json")).scalars()
    for number in list(numbers):
        one = sa.select(reports.c.content).where(reports.c.report_id == number, reports.c.name == "report.json")
        told = dict(_accuracies(connection.execute(one).scalar_one()))
        places = connection.execute(sa.select(runs.c.id, runs.c.place).where(runs.c.report_id == number))
        rows = [{"run_id": run, **told[place]} for run, place in places if place in told]
        if rows:
            connection.execute(table.insert(), rows)


def _accuracies(content: bytes) -> Iterator[tuple[int, dict[str, Any]]]:
    """The place of each run with an accuracy, and its columns. A damaged report has none: reading it will say so."""
    try:
        document = json.loads(zlib.decompressobj().decompress(content, _MOST_BYTES))
        for place, run in enumerate(document["runs"]):
            accuracy = run.get("accuracy")
            if accuracy is None:
                continue
            value, data_set = accuracy["map"], accuracy["data_set"]
            yield (
                place,
                {
                    "data_set": str(data_set["sha256"])[:64],
                    "pictures": int(data_set["pictures"]),
                    "failed": int(accuracy["failed"]),
                    "map": float(value["value"]),
                    "map_low": value.get("low"),
                    "map_high": value.get("high"),
                },
            )
    except (zlib.error, ValueError, KeyError, TypeError, AttributeError):
        return
