"""The tables of the history. Changes to them are migrations, in `migrations/versions`."""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

REPORTS = Table(
    "reports",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("created", String(40), nullable=False),
    Column("command", Text, nullable=False),
    Column("verdict", String(20)),
    Column("edgeproof", String(40), nullable=False),
)
FILES = Table(
    "report_files",
    METADATA,
    Column("report_id", Integer, ForeignKey("reports.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(200), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
"""report.json and its raw samples, packed by zlib: what a report is read back from."""
RUNS = Table(
    "runs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("report_id", Integer, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("board", String(200), nullable=False),
    Column("lineage", String(400), nullable=False),
    Column("variant", String(40), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("runtime", String(60), nullable=False),
    Column("threads", Integer),
    Column("answer", String(20)),
    Column("void", Boolean, nullable=False),
    Column("environment", Text, nullable=False),
    Index("ix_runs_board_lineage", "board", "lineage", "variant", "runtime"),
)
"""`lineage` is the model's name, whose bundles follow each other. `environment` is a JSON object of texts."""
STAGES = Table(
    "stages",
    METADATA,
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("stage", String(40), primary_key=True),
    Column("samples", Integer, nullable=False),
    Column("p50_ms", Float, nullable=False),
    Column("p95_ms", Float),
)
ACCURACIES = Table(
    "accuracies",
    METADATA,
    Column("run_id", Integer, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("data_set", String(64), nullable=False),
    Column("pictures", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("map", Float, nullable=False),
    Column("map_low", Float),
    Column("map_high", Float),
)
"""`data_set` is the digest of what was labelled: mAP of two data sets says nothing of two bundles."""
BASELINES = Table(
    "baselines",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("report_id", Integer, ForeignKey("reports.id", ondelete="CASCADE"), nullable=False),
)
